//! The table of everything that can be done under `/auth`.

use super::operation::{Answer, Field, Kind, Operation};

const fn needs(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, required: true, about }
}

const fn takes(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, required: false, about }
}

const DEVICE: Field = takes(
    "deviceToken",
    Kind::Text,
    "Send it as `deviceToken` with the next sign-in: guesses of others can't lock this device out.",
);

/// Tokens of a session.
static TOKENS: Answer = Answer {
    name: "AuthTokens",
    about: "A session that began or was renewed.",
    fields: &[
        needs("tokenType", Kind::Text, "`Bearer`, or `Cookie` where a browser keeps the session."),
        needs("expiresIn", Kind::Number, "Seconds until the access token ends, or the cookie."),
        takes("accessToken", Kind::Text, "Send it as `Authorization: Bearer …`."),
        takes("refreshToken", Kind::Text, "Good for one use: exchange it for new tokens."),
        DEVICE,
    ],
};

/// Only a sentence.
static MESSAGE: Answer = Answer {
    name: "AuthMessage",
    about: "What was done.",
    fields: &[needs("message", Kind::Text, "A sentence for people.")],
};

static RESET: Answer = Answer {
    name: "AuthReset",
    about: "A password that was chosen anew.",
    fields: &[needs("message", Kind::Text, "A sentence for people."), DEVICE],
};

static TOTP: Answer = Answer {
    name: "AuthTotp",
    about: "The seed of a second factor. It counts once a code of it was shown.",
    fields: &[
        needs("secret", Kind::Text, "In base 32, to be typed."),
        needs("url", Kind::Text, "For an authenticator app, as a QR code (`otpauth://…`)."),
    ],
};

static CODES: Answer = Answer {
    name: "AuthRecoveryCodes",
    about: "Codes for when the authenticator app is lost; each is good once. They are shown once.",
    fields: &[needs("recoveryCodes", Kind::Texts, "The codes.")],
};

static KEY: Answer = Answer {
    name: "AuthKey",
    about: "A new key. It is shown once.",
    fields: &[
        needs("id", Kind::Id, "Its id; the client id of the client credentials grant."),
        needs("key", Kind::Text, "The key: send it as `Authorization: Bearer …` or `X-Api-Key`."),
        needs("prefix", Kind::Text, "How it begins, by which it is known later."),
        needs("scopes", Kind::Texts, "What it may be used for."),
    ],
};

static ORGANIZATION: Answer = Answer {
    name: "AuthOrganization",
    about: "A new organization.",
    fields: &[needs("id", Kind::Id, "Its id."), needs("name", Kind::Text, "What it is called.")],
};

static INVITATION: Answer = Answer {
    name: "AuthInvitation",
    about: "An invitation that was sent.",
    fields: &[
        needs("id", Kind::Id, "Its id."),
        needs("email", Kind::Email, "Who is asked."),
        needs("role", Kind::Text, "What they will be."),
    ],
};

static MEMBERSHIP: Answer = Answer {
    name: "AuthMembership",
    about: "An organization that was joined.",
    fields: &[needs("organization", Kind::Id, "Its id."), needs("role", Kind::Text, "As what.")],
};

const EMAIL: Field = needs("email", Kind::Email, "The address; large and small letters are alike.");
const PASSWORD: Field = needs("password", Kind::Secret, "The password.");
const NEW_PASSWORD: Field =
    needs("newPassword", Kind::Secret, "8 to 1000 characters that are not easy to guess.");
const CODE: Field = needs("code", Kind::Secret, "Six digits of the authenticator app, or a recovery code.");
const TOKEN: Field = needs("token", Kind::Secret, "The code of the mail.");
const ID: Field = needs("id", Kind::Id, "Its id.");
const COOKIE: Field = takes(
    "cookie",
    Kind::Flag,
    "Whether the browser is to keep the session in a cookie, out of the reach of scripts.",
);
const ROLE: Field = needs("role", Kind::Text, "`admin`, `member`, or a role of the model.");

const fn post(
    name: &'static str,
    path: &'static str,
    about: &'static str,
    takes: &'static [Field],
    gives: &'static Answer,
) -> Operation {
    Operation { name, method: "POST", path, about, takes, gives, open: false, counted: false }
}

const fn delete(name: &'static str, path: &'static str, about: &'static str) -> Operation {
    Operation {
        name,
        method: "DELETE",
        path,
        about,
        takes: &[ID],
        gives: &MESSAGE,
        open: false,
        counted: false,
    }
}

const fn open(operation: Operation) -> Operation {
    Operation { open: true, ..operation }
}

/// What makes an account, sends a mail, or shows the code of one, whoever asks.
const fn counted(operation: Operation) -> Operation {
    Operation { open: true, counted: true, ..operation }
}

/// Everything that can be done.
pub static OPERATIONS: &[Operation] = &[
    counted(post(
        "signUp",
        "/sign-up",
        "Makes an account. A code to prove the address is sent by mail; the answer is the same whether the address has an account or not.",
        &[
            EMAIL,
            PASSWORD,
            takes("name", Kind::Text, "What the user wants to be called."),
            takes(
                "invitation",
                Kind::Secret,
                "The code of an invitation, where accounts are made by invitation only.",
            ),
        ],
        &MESSAGE,
    )),
    open(post(
        "verifyEmail",
        "/verify-email",
        "Proves the address of a new account with the code of the mail and the password that was chosen, and signs in.",
        &[TOKEN, PASSWORD, COOKIE],
        &TOKENS,
    )),
    counted(post(
        "resendVerification",
        "/verify-email/resend",
        "Sends the code for a new account again.",
        &[EMAIL],
        &MESSAGE,
    )),
    open(post(
        "signIn",
        "/sign-in",
        "Signs in with address and password, and a second factor where there is one.",
        &[
            EMAIL,
            PASSWORD,
            takes("code", Kind::Secret, "Six digits of the authenticator app, or a recovery code."),
            takes("deviceToken", Kind::Secret, "What the last sign-in on this device gave."),
            COOKIE,
        ],
        &TOKENS,
    )),
    open(post(
        "refreshTokens",
        "/refresh",
        "Exchanges a refresh token for new tokens. Using one twice ends the session.",
        &[needs("refreshToken", Kind::Secret, "The refresh token.")],
        &TOKENS,
    )),
    open(post(
        "exchangeCode",
        "/exchange",
        "Exchanges the code that a page was called back with after signing in with a provider for tokens.",
        &[
            needs("code", Kind::Secret, "The code, good for a minute and for one try."),
            takes(
                "codeVerifier",
                Kind::Secret,
                "The text whose SHA-256 was the `code_challenge` of the sign-in (RFC 7636); without it the code is good for nothing.",
            ),
        ],
        &TOKENS,
    )),
    delete(
        "unlinkIdentity",
        "/identities/{id}",
        "Unlinks an account elsewhere (`authIdentities` lists them); one way to sign in stays.",
    ),
    post(
        "signOut",
        "/sign-out",
        "Ends this session, or all of them.",
        &[takes("everywhere", Kind::Flag, "All sessions of the user.")],
        &MESSAGE,
    ),
    post(
        "changePassword",
        "/password",
        "Chooses another password; other sessions end.",
        &[PASSWORD, NEW_PASSWORD],
        &MESSAGE,
    ),
    counted(post(
        "forgotPassword",
        "/password/forgot",
        "Sends a code for a new password.",
        &[EMAIL],
        &MESSAGE,
    )),
    counted(post(
        "resetPassword",
        "/password/reset",
        "Chooses a new password with the code of the mail; all sessions end.",
        &[TOKEN, NEW_PASSWORD],
        &RESET,
    )),
    post("changeEmail", "/email", "Sends a code to a new address.", &[EMAIL, PASSWORD], &MESSAGE),
    counted(post(
        "confirmEmail",
        "/email/confirm",
        "Proves the new address with the code of the mail.",
        &[TOKEN],
        &MESSAGE,
    )),
    post(
        "deleteAccount",
        "/delete-account",
        "Deletes the account of whoever is signed in.",
        &[PASSWORD],
        &MESSAGE,
    ),
    post("startTotp", "/totp", "Makes the seed of a second factor.", &[PASSWORD], &TOTP),
    post(
        "confirmTotp",
        "/totp/confirm",
        "Turns the second factor on with a first code; other sessions end.",
        &[CODE],
        &CODES,
    ),
    post("removeTotp", "/totp/remove", "Removes the second factor.", &[PASSWORD, CODE], &MESSAGE),
    post(
        "makeRecoveryCodes",
        "/totp/recovery-codes",
        "Makes new recovery codes in place of the old ones.",
        &[PASSWORD, CODE],
        &CODES,
    ),
    delete(
        "revokeSession",
        "/sessions/{id}",
        "Ends one of the caller's sessions (`authSessions` lists them).",
    ),
    post(
        "createApiKey",
        "/keys",
        "Makes a key for a program: of the user, or of the organization the user manages.",
        &[
            needs("name", Kind::Text, "What it is for."),
            needs("scopes", Kind::Texts, "What it may be used for: `tracks:read`, `invoices:write`, `*`."),
            takes("expiresAt", Kind::Time, "When it ends."),
            takes("organization", Kind::Flag, "Whether it belongs to the organization the caller acts for."),
        ],
        &KEY,
    ),
    delete("revokeApiKey", "/keys/{id}", "Ends a key (`apiKeys` lists them)."),
    post(
        "createOrganization",
        "/organizations",
        "Makes an organization that the caller owns and acts for.",
        &[needs("name", Kind::Text, "What it is called.")],
        &ORGANIZATION,
    ),
    post(
        "useOrganization",
        "/organizations/use",
        "Chooses the organization this session acts for.",
        &[takes("organization", Kind::Id, "One that the user belongs to; none for none.")],
        &MESSAGE,
    ),
    post(
        "leaveOrganization",
        "/organizations/leave",
        "Leaves the organization the caller acts for.",
        &[],
        &MESSAGE,
    ),
    post(
        "transferOrganization",
        "/organizations/transfer",
        "Makes another member the owner.",
        &[needs("membership", Kind::Id, "The membership of who is to be the owner."), PASSWORD],
        &MESSAGE,
    ),
    post(
        "deleteOrganization",
        "/organizations/delete",
        "Deletes the organization the caller owns.",
        &[PASSWORD],
        &MESSAGE,
    ),
    post(
        "inviteMember",
        "/invitations",
        "Asks somebody by mail to join the organization the caller manages.",
        &[EMAIL, ROLE],
        &INVITATION,
    ),
    post(
        "acceptInvitation",
        "/invitations/accept",
        "Joins an organization with the code of the mail.",
        &[TOKEN],
        &MEMBERSHIP,
    ),
    delete("revokeInvitation", "/invitations/{id}", "Takes an invitation back."),
    Operation {
        name: "changeMemberRole",
        method: "PATCH",
        path: "/memberships/{id}",
        about: "Gives a member another role.",
        takes: &[ID, ROLE],
        gives: &MESSAGE,
        open: false,
        counted: false,
    },
    delete("removeMember", "/memberships/{id}", "Removes a member."),
    Operation {
        name: "changeUser",
        method: "PATCH",
        path: "/users/{id}",
        about: "Changes what only administrators change of a user.",
        takes: &[
            ID,
            takes("roles", Kind::Texts, "The roles that hold everywhere."),
            takes("disabled", Kind::Flag, "Whether the user is kept from signing in."),
        ],
        gives: &MESSAGE,
        open: false,
        counted: false,
    },
];
