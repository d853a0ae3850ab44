ALTER TABLE `providers` ADD `managed` text DEFAULT '' NOT NULL;--> statement-breakpoint
UPDATE `meta` SET `value` = 7 WHERE `key` = 'schema';
