ALTER TABLE `tokens` ADD `sent_at` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
DROP INDEX `audit_request`;--> statement-breakpoint
CREATE UNIQUE INDEX `audit_request` ON `audit` (`request_id`);--> statement-breakpoint
UPDATE `meta` SET `value` = 5 WHERE `key` = 'schema';
