CREATE TABLE `audit_checkpoints` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`first` integer NOT NULL,
	`last` integer NOT NULL,
	`first_delivery` integer NOT NULL,
	`last_delivery` integer NOT NULL,
	`newest` integer NOT NULL,
	`at` integer NOT NULL,
	`digest` text NOT NULL,
	`delivery_digest` text NOT NULL,
	`previous` text NOT NULL,
	`marks` text NOT NULL,
	`broken` text NOT NULL,
	`mac` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `audit_cuts` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`last` integer NOT NULL,
	`last_delivery` integer NOT NULL,
	`checkpoint` integer NOT NULL,
	`digest` text NOT NULL,
	`findings` integer NOT NULL,
	`at` integer NOT NULL,
	`mac` text NOT NULL
);
--> statement-breakpoint
ALTER TABLE `audit` ADD `server` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `audit` ADD `cited_number` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `audit` ADD `cited_mark` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `deliveries` ADD `mac` text DEFAULT '' NOT NULL;--> statement-breakpoint
INSERT INTO `meta` (`key`, `value`) VALUES ('refused_without_token', 0);--> statement-breakpoint
UPDATE `meta` SET `value` = 3 WHERE `key` = 'schema';
