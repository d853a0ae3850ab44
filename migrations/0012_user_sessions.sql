CREATE TABLE `user_sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`resolver` text NOT NULL,
	`user_id` text NOT NULL,
	`login` text NOT NULL,
	`realm` text NOT NULL,
	`client` text NOT NULL,
	`state` text NOT NULL,
	`transaction_id` text DEFAULT '' NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `user_sessions_expiry` ON `user_sessions` (`expires_at`);--> statement-breakpoint
UPDATE `meta` SET `value` = 13 WHERE `key` = 'schema';