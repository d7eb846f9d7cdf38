import { user } from "/login.js";

document.body.append((await user()) ? "Orders" : "Sign in to see your orders");
