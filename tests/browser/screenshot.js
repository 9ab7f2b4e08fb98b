// node screenshot.js PAGE.html OUT.png NOW_MS light|dark: what README shows.
"use strict";
const {pathToFileURL} = require("node:url");
const {open} = require("./browser.js");

(async () => {
	const [page, out, now, colorScheme] = process.argv.slice(2);
	const browser = await open();
	const tab = await browser.newPage({colorScheme, locale: "en-GB",
		timezoneId: "UTC", reducedMotion: "reduce",
		viewport: {width: 1360, height: 848}});

	await tab.clock.setFixedTime(Number(now));
	await tab.goto(`${pathToFileURL(page)}#ext=1006&tab=forwarding`);
	await tab.screenshot({path: out});
	await browser.close();
})();
