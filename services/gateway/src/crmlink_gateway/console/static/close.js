// The window that signed in closes itself; the Overview learns the rest from the server.
setTimeout(() => window.close(), 600);
