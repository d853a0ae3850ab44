CREATE TABLE `templates` (
	`name` text PRIMARY KEY NOT NULL,
	`source` text NOT NULL,
	`changed_at` integer NOT NULL
);
--> statement-breakpoint
UPDATE `meta` SET `value` = 8 WHERE `key` = 'schema';
