ALTER TABLE `tokens` ADD `last_failed_at` integer;--> statement-breakpoint
UPDATE `tokens` SET `last_failed_at` = CAST(strftime('%s', 'now') AS INTEGER) WHERE `fail_count` > 0;--> statement-breakpoint
UPDATE `meta` SET `value` = 15 WHERE `key` = 'schema';
