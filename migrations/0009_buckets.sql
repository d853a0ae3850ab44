CREATE TABLE `buckets` (
	`key` text NOT NULL,
	`window` integer NOT NULL,
	`start` integer NOT NULL,
	`n` integer NOT NULL,
	PRIMARY KEY(`key`, `window`)
);
--> statement-breakpoint
CREATE INDEX `buckets_start` ON `buckets` (`start`);--> statement-breakpoint
UPDATE `meta` SET `value` = 10 WHERE `key` = 'schema';
