"""What can go wrong where more than a person's own mirror is reached: keys, and folders of others.

These stand in the tree of :mod:`jupyter_drive_sync.errors`::

    UsageError
    |-- BadServiceKey         service_account.invalid
    |-- OwnsNothing           service_account.owns_nothing
    |-- ScopeTooNarrow        credentials.scope
    |-- BadFolder             folder.invalid
    |-- FolderNotFound        folder.not_found
    |-- FolderAmbiguous       folder.ambiguous
    |-- NotAFolder            folder.not_a_folder
    |-- FolderTrashed         folder.trashed
    `-- FolderReadOnly        folder.read_only
    NeedsAdmin
    |-- ServiceRefused        service_account.refused
    `-- NotDelegated          service_account.not_delegated
    Wait
    `-- KeyUnreachable        service_account.unreachable
"""

from __future__ import annotations

from jupyter_drive_sync.errors import NeedsAdmin, UsageError, Wait


class BadServiceKey(UsageError):
    """What should be a service account's key is missing, unreadable or something else."""

    code = "service_account.invalid"
    template = (
        "The service account's key {source} cannot be used: {problem}. Make one in Google Cloud "
        "(IAM, Service accounts, Keys, JSON) and name that file."
    )


class OwnsNothing(UsageError):
    """A service account would have to own the files that it makes, which Google does not allow."""

    code = "service_account.owns_nothing"
    template = (
        "The service account {email} cannot write to {folder}: it would own the files there, and "
        "Google gives service accounts no storage. Use a folder of a shared drive, a person in "
        "whose name it acts (subject), or your own permission."
    )


class ScopeTooNarrow(UsageError):
    """The credentials were given less than is needed."""

    code = "credentials.scope"
    template = (
        "These credentials do not reach far enough: the scope {missing} is missing (they have "
        "{granted}). Give your permission again with that scope, or use a service account."
    )


class BadFolder(UsageError):
    """What should name a folder on Drive does not."""

    code = "folder.invalid"
    template = (
        "{folder} names no folder on Google Drive: {problem}. Give its address as the browser "
        "shows it, its id, or a path such as Courses/2026."
    )


class FolderNotFound(UsageError):
    """There is no such folder, or these credentials may not see it; Google does not say which."""

    code = "folder.not_found"
    template = (
        "Google Drive shows no folder {folder} to {who}: either there is none (check its address), "
        "or it is not shared with that account."
    )


class FolderAmbiguous(UsageError):
    """Several folders have that path."""

    code = "folder.ambiguous"
    template = (
        "There are {count} folders {folder} on Google Drive; give the address or the id of the one "
        "that you mean."
    )


class NotAFolder(UsageError):
    """The id or address is that of a file."""

    code = "folder.not_a_folder"
    template = "{folder} is a file on Google Drive ({name}), not a folder; name the one it lies in."


class FolderTrashed(UsageError):
    """The folder lies in the trash."""

    code = "folder.trashed"
    template = (
        "The folder {folder} ({name}) is in Google Drive's trash; bring it back there, or name "
        "another one."
    )


class FolderReadOnly(UsageError):
    """These credentials may not put anything into the folder."""

    code = "folder.read_only"
    template = (
        "{who} may read the folder {folder} ({name}) but not write to it; its owner can make that "
        "account an editor."
    )


class ServiceRefused(NeedsAdmin):
    """The token endpoint refuses what the key signs."""

    code = "service_account.refused"
    template = (
        "Google does not accept the service account {email}: {problem}. Whoever owns its project "
        "can make a new key or enable the account."
    )


class NotDelegated(NeedsAdmin):
    """unauthorized_client: the organisation has not delegated its people to the account."""

    code = "service_account.not_delegated"
    template = (
        "The service account {email} may not act for {subject}: the administrator of that Google "
        "organisation has to allow its client id {client_id} the scope {scopes} (Security, API "
        "controls, Domain-wide delegation)."
    )


class KeyUnreachable(Wait):
    """The address of a service account's key does not answer."""

    code = "service_account.unreachable"
    template = (
        "The service account's key cannot be fetched from {source} right now ({problem}); it will "
        "be tried again."
    )
