// What the browser's scripts share: Debian's chromium, without a screen, driven
// by playwright-core, which scripts/install-deps puts where SP_BROWSER_DRIVER
// says.
"use strict";
const {createRequire} = require("node:module");
const path = require("node:path");

const driver = process.env.SP_BROWSER_DRIVER;
const {chromium} = createRequire(path.join(driver, "package.json"))("playwright-core");

// Chromium's own sandbox needs what a container does not give; the pages are
// ours.
async function open() {
	return chromium.launch({
		executablePath: process.env.SP_CHROMIUM ?? "/usr/bin/chromium",
		args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
	});
}

module.exports = {open};
