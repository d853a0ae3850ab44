ALTER TABLE `resolvers` ADD `config` text DEFAULT '' NOT NULL;
--> statement-breakpoint
ALTER TABLE `resolvers` ADD `revision` integer DEFAULT 1 NOT NULL;
--> statement-breakpoint
CREATE INDEX `users_resolver` ON `users` (`resolver`);
--> statement-breakpoint
UPDATE `meta` SET `value` = 12 WHERE `key` = 'schema';
