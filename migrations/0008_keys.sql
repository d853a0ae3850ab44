CREATE TABLE `master_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`canary` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
UPDATE `meta` SET `value` = 9 WHERE `key` = 'schema';
