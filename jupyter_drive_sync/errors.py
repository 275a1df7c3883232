"""Every way in which the program can fail, with who can mend it.

The tree, one line per class; the code is stable and is what surfaces, logs and tests compare::

    DriveSyncError
    |-- UsageError                what was asked cannot be done as asked          (exit 2)
    |   |-- BadSettings           settings.invalid
    |   |-- BadClientFile         client_file.invalid
    |   |-- BadEndpoint           endpoint.invalid
    |   |-- HomeRefused           home.refused
    |   |-- HomeMissing           home.missing
    |   |-- NoSuchHold            hold.unknown
    |   |-- NotThere              restore.not_there
    |   |-- NoSuchRevision        restore.no_revision
    |   |-- CannotPin             restore.cannot_pin
    |   |-- NothingToUndo         undo.nothing
    |   `-- PlatformUnsupported   platform.unsupported
    |-- NeedsUser                 the owner of the files decides                  (exit 3)
    |   |-- NotConnected          auth.missing
    |   |-- AuthExpired           auth.expired
    |   |-- AuthRevoked           auth.revoked
    |   |-- ScopeMissing          auth.scope_missing
    |   |-- ConsentDenied         auth.denied
    |   |-- ConsentTimeout        auth.timeout
    |   |-- DriveFull             drive.full
    |   |-- MirrorHeld            held.<kind>
    |   |-- HomeFull              home.full
    |   |-- HomeUnwritable        home.unwritable
    |   |-- RestartServer         broker.restart
    |   `-- ClockWrong            clock.wrong
    |-- NeedsAdmin                whoever runs this Jupyter or the Google project (exit 4)
    |   |-- NoClient              project.no_client
    |   |-- TestingMode           auth.testing_mode
    |   |-- ClientGone            project.client_gone
    |   |-- ApiOff                project.api_off
    |   |-- OrgBlocked            org.blocked
    |   |-- StateUnusable         state.unusable
    |   |-- StateFull             state.full
    |   `-- HomeTooLarge          home.too_large
    |-- Wait                      goes away by itself; the next run goes on       (exit 4)
    |   |-- Busy                  drive.busy
    |   |-- DailyUploadLimit      drive.daily_upload_limit
    |   |-- ProjectDailyLimit     project.daily_limit
    |   |-- Offline               net.offline
    |   |-- HubSilent             broker.silent
    |   |-- RunBusy               run.busy
    |   |-- RunKilled             run.killed
    |   |-- RunCancelled          run.cancelled
    |   |-- LeaseLost             run.lease_lost
    |   `-- LowMemory             run.low_memory
    |-- FileProblem               one file's outcome, never a failed run
    |   |-- ChangedWhileRead      file.changed
    |   |-- Vanished              file.vanished
    |   |-- Unreadable            file.unreadable
    |   |-- NotRegular            file.special
    |   |-- TreeLimit             drive.tree_limit
    |   |-- NotOurs               drive.not_ours
    |   |-- Missing               drive.missing
    |   |-- Exists                drive.exists
    |   |-- Mismatch              drive.mismatch
    |   |-- Damaged               file.damaged
    |   |-- GoneFromDrive         drive.gone
    |   |-- NotTaken              file.not_taken
    |   `-- Refused               drive.refused
    |-- Relayed                   another process's code, duty and words (core/relayed.py)
    |-- FeedTokenRefused          drive.bad_token (the ledger is rebuilt; nobody has to act)
    `-- Internal                  internal        (exit 4)

Keys and folders of others: drive/denied.py. No sentence holds a secret, its parameters neither.
"""

from __future__ import annotations

from typing import ClassVar, Literal

Who = Literal["user", "admin", "wait", "bug"]


class DriveSyncError(Exception):
    """Base of all errors that a person may read.

    Attributes:
        code: stable identifier, ``area.reason``.
        who: who can act: the ``user``, the ``admin``, nobody but time (``wait``), or us (``bug``).
        template: the sentence, with ``{name}`` for each parameter.
        params: the parameters of the sentence, as given.
        detail: technical text for logs and *Details*; already free of secrets.
    """

    code: ClassVar[str] = "internal"
    who: ClassVar[Who] = "bug"
    exit_code: ClassVar[int] = 4
    template: ClassVar[str] = (
        "Something went wrong that we did not foresee; your files are untouched and it will be "
        "tried again at the next run."
    )

    def __init__(self, *, detail: str = "", **params: str | int | float) -> None:
        self.params = params
        self.detail = detail
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """One sentence for the person who can act: what happened, what it means, what to do."""
        return self.template.format_map(self.params)


# -- what was asked cannot be done as asked -------------------------------------------------------


class UsageError(DriveSyncError):
    """The call, an option or a file given by the person is wrong; nothing was touched."""

    code = "usage"
    who = "user"
    exit_code = 2
    template = "{problem}"


class BadSettings(UsageError):
    """A setting has a value that cannot be used."""

    code = "settings.invalid"
    template = "The setting {name} cannot be used: {problem}."


class BadClientFile(UsageError):
    """The OAuth client file is missing, unreadable or not what Google's console downloads."""

    code = "client_file.invalid"
    template = (
        "The Google client file {path} cannot be used: {problem}. Download it again from Google "
        "Cloud, Clients, or name another one with --client-file."
    )


class BadEndpoint(UsageError):
    """``DRIVE_SYNC_API_ENDPOINT`` does not fit the client file."""

    code = "endpoint.invalid"
    template = "DRIVE_SYNC_API_ENDPOINT cannot be used: {problem}."


class HomeRefused(UsageError):
    """The folder must not be mirrored (``/``, or a folder of several homes)."""

    code = "home.refused"
    template = "{home} cannot be mirrored: {problem}. Name one person's home with --home."


class HomeMissing(UsageError):
    """The home is not there, or is not a folder."""

    code = "home.missing"
    template = "The home {home} is not there{problem}; nothing was changed on Drive."


class NoSuchHold(UsageError):
    """An answer was given to a hold that does not exist or does not offer that choice."""

    code = "hold.unknown"
    template = "{problem}"


class NotThere(UsageError):
    """What was to be brought back, or the folder to bring it to, is not there."""

    code = "restore.not_there"
    template = "{problem}"


class NoSuchRevision(UsageError):
    """Drive has no such version of a file, or no longer."""

    code = "restore.no_revision"
    template = (
        "{path} has no version {revision} on Drive (any more); `jupyter drive-sync versions` lists "
        "those that are there."
    )


class CannotPin(UsageError):
    """A version cannot be kept for good: Google's limit of 200 a file is reached."""

    code = "restore.cannot_pin"
    template = (
        "{path} has {count} versions that are kept for good, as many as Google allows; remove one "
        "of them on Drive first."
    )


class NothingToUndo(UsageError):
    """There is no such run, or it removed and replaced nothing on Drive."""

    code = "undo.nothing"
    template = "{problem}"


class PlatformUnsupported(UsageError):
    """The operating system is not supported yet."""

    code = "platform.unsupported"
    template = "Jupyter Drive Sync does not run on {platform} yet; it needs Linux or macOS."


# -- the owner of the files decides ---------------------------------------------------------------


class NeedsUser(DriveSyncError):
    """Only the owner of the files can go on."""

    code = "user"
    who = "user"
    exit_code = 3


class NotConnected(NeedsUser):
    """There is no grant."""

    code = "auth.missing"
    template = (
        "Google Drive is not connected yet. Run `jupyter drive-sync authorize` to connect it."
    )


class AuthExpired(NeedsUser):
    """401 after one refresh."""

    code = "auth.expired"
    template = (
        "Google no longer accepts our access; your files here are untouched, nothing new is copied "
        "until you reconnect with `jupyter drive-sync authorize`."
    )


class AuthRevoked(NeedsUser):
    """400 invalid_grant: the grant is gone. Never retried."""

    code = "auth.revoked"
    template = (
        "Google ended our permission (removed, 6 months unused, or a school rule). Reconnect with "
        "`jupyter drive-sync authorize`: it takes a minute and nothing is uploaded again."
    )


class ScopeMissing(NeedsUser):
    """The person unticked Drive on Google's page."""

    code = "auth.scope_missing"
    template = (
        "The Drive box was not ticked on Google's page, so we cannot copy anything. Run "
        "`jupyter drive-sync authorize` again and tick it there."
    )


class ConsentDenied(NeedsUser):
    """The person (or Google) answered no."""

    code = "auth.denied"
    template = "Google Drive was not connected, because {problem}. Nothing was changed."


class ConsentTimeout(NeedsUser):
    """Nobody answered on Google's page in time."""

    code = "auth.timeout"
    template = (
        "Nobody answered on Google's page within {minutes} minutes. Run "
        "`jupyter drive-sync authorize` again when you are ready."
    )


class DriveFull(NeedsUser):
    """storageQuotaExceeded."""

    code = "drive.full"
    template = (
        "Your Google account has no space left; what is on Drive is safe. Free some space or "
        "exclude large folders in .driveignore, then sync again."
    )


class MirrorHeld(NeedsUser):
    """The whole mirror waits for an answer to a hold. The code is ``held.<kind>``."""

    code = "held"
    template = "{reason} Answer with `jupyter drive-sync release {which}{hold} CHOICE`."

    def __init__(self, *, kind: str, reason: str, hold: str, which: str = "") -> None:
        super().__init__(kind=kind, reason=reason, hold=hold, which=which)
        self.kind = kind
        self.code = f"held.{kind}"  # type: ignore[misc]  # one class for all kinds, one code each


class HomeFull(NeedsUser):
    """The disk that is restored to has no room, or the person's share of it is used up."""

    code = "home.full"
    template = (
        "There is no room in {folder} for what is to come back ({need} needed, {free} free); what "
        "did come back is whole. Free some space, then restore again."
    )


class HomeUnwritable(NeedsUser):
    """Nothing can be written where files are to come back."""

    code = "home.unwritable"
    template = (
        "Nothing can be written in {folder} ({problem}); what is on Drive stays there, and nothing "
        "here was changed."
    )


class RestartServer(NeedsUser):
    """The server's token at the hub was made before the hub knew of us."""

    code = "broker.restart"
    template = (
        "Your server was started before Google Drive was set up on this hub. Restart it (File, Hub "
        "Control Panel, Stop My Server, then Start My Server); if that does not help, tell your "
        "admin."
    )


class ClockWrong(NeedsUser):
    """This machine's clock is so far off that Google refuses it."""

    code = "clock.wrong"
    template = (
        "This machine's clock is off by {minutes} minutes, so Google refuses our requests; set the "
        "clock and sync again."
    )


# -- whoever runs this Jupyter or the Google project ----------------------------------------------


class NeedsAdmin(DriveSyncError):
    """Only an administrator can go on."""

    code = "admin"
    who = "admin"


class NoClient(NeedsAdmin):
    """No OAuth client is configured."""

    code = "project.no_client"
    exit_code = 2
    template = (
        "No Google client is set up here: there is no {path}. Make one as the README says, or name "
        "yours with --client-file."
    )


class TestingMode(NeedsAdmin):
    """The grant died 7 days after consent: the Google app is in Testing."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    code = "auth.testing_mode"
    exit_code = 3
    template = (
        "Google ended our permission 7 days after you gave it, because the Google app is still in "
        "Testing. Ask whoever owns it to publish it (Google Auth platform, Audience), then "
        "reconnect with `jupyter drive-sync authorize`."
    )


class ClientGone(NeedsAdmin):
    """deleted_client or invalid_client."""

    code = "project.client_gone"
    template = (
        "The key to Google ({path}) is no longer accepted; only whoever owns the Google project "
        "can renew it."
    )


class ApiOff(NeedsAdmin):
    """accessNotConfigured."""

    code = "project.api_off"
    template = (
        "The Google Drive API is not switched on in the Google project; its owner can enable it "
        "under APIs and services."
    )


class OrgBlocked(NeedsAdmin):
    """domainPolicy or admin_policy_enforced."""

    code = "org.blocked"
    template = (
        "Your school's or company's Google rules do not allow this app; its Google administrator "
        "can allow it under Security, API controls."
    )


class StateUnusable(NeedsAdmin):
    """The state folder cannot be made, read or written."""

    code = "state.unusable"
    template = (
        "The state folder {path} cannot be used: {problem}. Name another one with --state-dir."
    )


class StateFull(NeedsAdmin):
    """The disk of the state folder is full."""

    code = "state.full"
    template = (
        "The disk that holds {path} is full, so the sync stopped; nothing was lost. Free some "
        "space and sync again."
    )


class HomeTooLarge(NeedsAdmin):
    """More paths than the limit."""

    code = "home.too_large"
    template = (
        "The home has more than {limit} files, the limit here; exclude some folders in "
        ".driveignore, or raise max_files."
    )


# -- goes away by itself --------------------------------------------------------------------------


class Wait(DriveSyncError):
    """Nobody has to act: the next run goes on."""

    code = "wait"
    who = "wait"


class Busy(Wait):
    """Rate limits and 5xx beyond our patience."""

    code = "drive.busy"
    template = "Google asked us to go slower; the sync goes on at the next run."


class DailyUploadLimit(Wait):
    """750 GB per user and day."""

    code = "drive.daily_upload_limit"
    template = "Google's daily upload limit for your account is reached; the rest follows in a day."


class ProjectDailyLimit(Wait):
    """dailyLimitExceeded: the project's own day is used up."""

    code = "project.daily_limit"
    template = "The Google project's allowance for today is used up; syncing goes on tomorrow."


class Offline(Wait):
    """No route, no name, no TLS, no answer."""

    code = "net.offline"
    template = "There is no connection to Google right now ({problem}); nothing is lost."


class HubSilent(Wait):
    """The hub's service, which keeps the permission, cannot be asked."""

    code = "broker.silent"
    template = (
        "The hub's service for Google Drive does not answer ({problem}); nothing is lost, and it "
        "will be tried again."
    )


class RunBusy(Wait):
    """Another run holds the lease."""

    code = "run.busy"
    template = "Another sync of this home is running ({where}); wait for it or cancel it."


KilledBy = Literal["memory", "killed", "restart", "parent", "silence", "queue", "crash"]


class RunKilled(Wait):
    """The process that ran it is gone; ``cause`` says what is known of how it died."""

    code = "run.killed"
    template = "The sync was stopped: {how}. It goes on where it was at the next run."
    words: ClassVar[dict[KilledBy, str]] = {
        "memory": "no memory was left here, and closing some notebooks helps",
        "killed": "its process was killed",
        "restart": "the machine was restarted",
        "parent": "the server that had started it was stopped",
        "silence": "it does not answer any more",
        "queue": "it was taken out of the queue before its turn",
        "crash": "its process ended without a word",
    }

    def __init__(self, *, cause: KilledBy, detail: str = "") -> None:
        super().__init__(detail=detail, cause=cause, how=self.words[cause])


class RunCancelled(Wait):
    """The person stopped it: not a failure of the program."""

    code = "run.cancelled"
    template = "You stopped the sync; what was done stays, and the next run goes on from there."


class LeaseLost(Wait):
    """Our time as the writer is over: another run may have taken over."""

    code = "run.lease_lost"
    template = "The sync stopped, because it was frozen too long and another run may have begun."


class LowMemory(Wait):
    """Too little headroom in the container."""

    code = "run.low_memory"
    template = (
        "There are only {free_mb} MB of memory left here, so the sync is postponed; it goes on "
        "when there are {need_mb} MB."
    )


# -- one file's outcome ---------------------------------------------------------------------------


class FileProblem(DriveSyncError):
    """One file (or folder) was not synced; the run goes on."""

    code = "file"
    who: ClassVar[Who] = "wait"
    exit_code = 1


class ChangedWhileRead(FileProblem):
    """The file changed between its first and its last byte, twice."""

    code = "file.changed"
    template = "changed while it was read; next time"


class Vanished(FileProblem):
    """The file was there at the scan and not at the read."""

    code = "file.vanished"
    template = "vanished before it was read"


class Unreadable(FileProblem):
    """No permission, or the disk answers with an I/O error."""

    code = "file.unreadable"
    who = "user"
    template = "cannot be read ({problem})"


class NotRegular(FileProblem):
    """The path became a link, a folder or a special file."""

    code = "file.special"
    template = "is no longer a regular file"


class TreeLimit(FileProblem):
    """A structural limit of Drive: children of a folder, levels, items."""

    code = "drive.tree_limit"
    who = "user"
    template = "Google does not take more items or levels here"


class NotOurs(FileProblem):
    """We may no longer touch this object."""

    code = "drive.not_ours"
    template = "we may no longer touch the copy on Drive; a fresh one is made"


class Missing(FileProblem):
    """404 on an id of ours."""

    code = "drive.missing"
    template = "not found on Drive; the next sync looks again, and copies it anew if it is gone"


class Exists(FileProblem):
    """409: the id is taken; an earlier try may have succeeded, or what it made was removed."""

    code = "drive.exists"
    template = "an earlier copy is gone from Drive; it is copied anew by one of the next syncs"


class Mismatch(FileProblem):
    """Drive's checksum is not ours."""

    code = "drive.mismatch"
    template = "the copy on Drive was not identical; it is sent again next time"


class Damaged(FileProblem):
    """What was downloaded has another checksum than Drive says."""

    code = "file.damaged"
    template = "arrived otherwise than Drive's checksum says, so it was thrown away; try again"


class GoneFromDrive(FileProblem):
    """It was removed on Drive while it was brought back."""

    code = "drive.gone"
    template = "is no longer on Drive"


class NotTaken(FileProblem):
    """The disk refuses the file: its name, its place, or the way in which it is put there."""

    code = "file.not_taken"
    who = "user"
    template = "cannot be written here ({problem})"


class Refused(FileProblem):
    """Drive refused the request for a reason that we do not know."""

    code = "drive.refused"
    who = "bug"
    template = "Google refused it ({reason})"


# -- the rest -------------------------------------------------------------------------------------


class FeedTokenRefused(DriveSyncError):
    """The change feed no longer knows our page token."""

    code = "drive.bad_token"
    who = "wait"
    template = "Google forgot where we were; the whole tree is compared instead."


class Internal(DriveSyncError):
    """A fault of ours."""
