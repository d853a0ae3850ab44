CREATE TABLE `claims` (
	`key` text PRIMARY KEY NOT NULL,
	`request_id` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `claims_created` ON `claims` (`created_at`);--> statement-breakpoint
UPDATE `meta` SET `value` = 11 WHERE `key` = 'schema';
