import "/chat.js";
