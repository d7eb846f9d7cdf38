import { currentUser } from "/login.js";

document.body.append((await currentUser()) ? "Orders" : "Sign in to see your orders");
