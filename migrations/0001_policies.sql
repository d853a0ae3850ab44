CREATE TABLE `policies` (
	`name` text PRIMARY KEY NOT NULL,
	`scope` text NOT NULL,
	`action` text NOT NULL,
	`realm` text NOT NULL,
	`user` text NOT NULL,
	`client` text NOT NULL,
	`time` text NOT NULL,
	`active` integer DEFAULT 1 NOT NULL,
	`position` integer NOT NULL
);

--> statement-breakpoint
UPDATE `meta` SET `value` = 2 WHERE `key` = 'schema';
