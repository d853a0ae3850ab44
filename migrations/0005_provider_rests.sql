CREATE TABLE `provider_rests` (
	`type` text NOT NULL,
	`name` text NOT NULL,
	`rests` integer NOT NULL,
	`until` integer NOT NULL,
	PRIMARY KEY(`type`, `name`)
);
--> statement-breakpoint
UPDATE `meta` SET `value` = 6 WHERE `key` = 'schema';
