/** Where the demo app is, for those who name the module without importing it. */
export const DEMO_APP_URL = new URL('./app.js', import.meta.url);
