"""Sentences of other packages whose Korean we word ourselves.

They are only named here, so that `makemessages` keeps them in our catalogue, which
comes before the packages' own.
"""

from django.utils.translation import gettext_noop as _

ALLAUTH = (
    _("Remember Me"),
    _("Email"),
    _("Email address"),
    _("Password (again)"),
    _("Current Password"),
    _("New Password"),
    _("New Password (again)"),
    _("This account is currently inactive."),
    _("Account Inactive"),
    _("This account is inactive."),
    _("Incorrect password."),
    _("Invalid or expired key."),
    _("The email address and/or password you specified are not correct."),
    _("A user is already registered with this email address."),
    _("The password reset token was invalid."),
    _("Too many failed login attempts. Try again later."),
    _("The email address is not assigned to any user account."),
    _("Be patient, you are sending too many requests."),
    _("You must type the same password each time."),
    _("Sign Up Closed"),
    _("We are sorry, but the sign up is currently closed."),
    _("Use your password"),
    _("Confirm Access"),
    _("Please reauthenticate to safeguard your account."),
)
