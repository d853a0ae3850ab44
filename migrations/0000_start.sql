CREATE TABLE `admins` (
	`username` text PRIMARY KEY NOT NULL,
	`password_hash` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `api_tokens` (
	`id` text PRIMARY KEY NOT NULL,
	`admin` text NOT NULL,
	`name` text NOT NULL,
	`hash` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `audit` (
	`number` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`request_id` text NOT NULL,
	`at` integer NOT NULL,
	`action` text NOT NULL,
	`success` integer NOT NULL,
	`serial` text DEFAULT '' NOT NULL,
	`token_type` text DEFAULT '' NOT NULL,
	`user` text DEFAULT '' NOT NULL,
	`realm` text DEFAULT '' NOT NULL,
	`administrator` text DEFAULT '' NOT NULL,
	`action_detail` text DEFAULT '' NOT NULL,
	`info` text DEFAULT '' NOT NULL,
	`client` text DEFAULT '' NOT NULL,
	`mac` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `audit_request` ON `audit` (`request_id`);--> statement-breakpoint
CREATE TABLE `challenges` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`transaction_id` text NOT NULL,
	`parent_id` text NOT NULL,
	`serial` text NOT NULL,
	`counter` integer NOT NULL,
	`state` text DEFAULT 'open' NOT NULL,
	`delivery` text DEFAULT 'pending' NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`max_attempts` integer DEFAULT 0 NOT NULL,
	`message` text DEFAULT '' NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`opened_by` text NOT NULL,
	`closed_by` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `challenges_transaction` ON `challenges` (`transaction_id`);--> statement-breakpoint
CREATE INDEX `challenges_parent` ON `challenges` (`parent_id`);--> statement-breakpoint
CREATE INDEX `challenges_serial` ON `challenges` (`serial`,`state`);--> statement-breakpoint
CREATE INDEX `challenges_opened_by` ON `challenges` (`opened_by`);--> statement-breakpoint
CREATE INDEX `challenges_closed_by` ON `challenges` (`closed_by`);--> statement-breakpoint
CREATE INDEX `challenges_expiry` ON `challenges` (`expires_at`);--> statement-breakpoint
CREATE TABLE `config` (
	`key` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL,
	`type` text DEFAULT '' NOT NULL,
	`description` text DEFAULT '' NOT NULL
);
--> statement-breakpoint
CREATE TABLE `deliveries` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`request_id` text NOT NULL,
	`serial` text NOT NULL,
	`provider` text NOT NULL,
	`status` text NOT NULL,
	`reason` text DEFAULT '' NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `deliveries_request` ON `deliveries` (`request_id`);--> statement-breakpoint
CREATE TABLE `meta` (
	`key` text PRIMARY KEY NOT NULL,
	`value` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `providers` (
	`type` text NOT NULL,
	`name` text NOT NULL,
	`class` text NOT NULL,
	`config` text NOT NULL,
	`timeout` text NOT NULL,
	`is_default` integer DEFAULT 0 NOT NULL,
	`position` integer NOT NULL,
	PRIMARY KEY(`type`, `name`)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `providers_default` ON `providers` (`type`) WHERE is_default = 1;--> statement-breakpoint
CREATE TABLE `realms` (
	`name` text PRIMARY KEY NOT NULL,
	`resolvers` text NOT NULL,
	`is_default` integer DEFAULT 0 NOT NULL,
	`position` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `realms_default` ON `realms` (is_default) WHERE is_default = 1;--> statement-breakpoint
CREATE TABLE `resolvers` (
	`name` text PRIMARY KEY NOT NULL,
	`type` text NOT NULL,
	`data` text NOT NULL,
	`position` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `revoked_sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `tokens` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`serial` text NOT NULL,
	`type` text NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`secret` text NOT NULL,
	`pin` text NOT NULL,
	`counter` integer DEFAULT 0 NOT NULL,
	`digits` integer NOT NULL,
	`hash` text NOT NULL,
	`count_window` integer NOT NULL,
	`sync_window` integer NOT NULL,
	`fail_count` integer DEFAULT 0 NOT NULL,
	`max_fail_count` integer NOT NULL,
	`active` integer DEFAULT 1 NOT NULL,
	`user_id` text,
	`resolver` text,
	`realms` text DEFAULT '[]' NOT NULL,
	`info` text DEFAULT '{}' NOT NULL,
	`revision` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`last_auth_match` integer,
	`last_auth_success` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tokens_serial` ON `tokens` (`serial`);--> statement-breakpoint
CREATE INDEX `tokens_owner` ON `tokens` (`resolver`,`user_id`);--> statement-breakpoint
CREATE TABLE `users` (
	`resolver` text NOT NULL,
	`user_id` text NOT NULL,
	`login` text NOT NULL,
	`attributes` text NOT NULL,
	`password_hash` text DEFAULT '' NOT NULL,
	PRIMARY KEY(`resolver`, `user_id`)
);
--> statement-breakpoint
CREATE INDEX `users_login` ON `users` (`login`,`resolver`);--> statement-breakpoint
INSERT INTO `meta` (`key`, `value`) VALUES ('schema', 1), ('version', 1);--> statement-breakpoint
INSERT INTO `config` (`key`, `value`) VALUES
	('AutoResyncTimeout', '240'), ('DefaultBlockingTimeout', '0'), ('DefaultChallengeValidityTime', '120'),
	('DefaultCountWindow', '10'), ('DefaultMaxFailCount', '10'), ('DefaultOtpLen', '6'),
	('DefaultResetFailCount', 'True'), ('DefaultSyncWindow', '1000'), ('EmailBlockingTimeout', '120'),
	('EmailChallengeValidityTime', '600'), ('EmailProvider', 'linotp.provider.emailprovider.SMTPEmailProvider'),
	('FailCounterIncOnFalsePin', 'True'), ('PrependPin', 'True'), ('SMSBlockingTimeout', '30'),
	('SMSProvider', 'smsprovider.HttpSMSProvider.HttpSMSProvider'), ('SMSProviderTimeout', '300'),
	('policy_action_validation', 'True');
