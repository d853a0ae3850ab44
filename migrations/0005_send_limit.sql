ALTER TABLE `tokens` ADD `sent_at` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
UPDATE `meta` SET `value` = 6 WHERE `key` = 'schema';
