//! What jobs are called.

use rowkeep::jobs::request::Request;

/// What a request is called, as its JSON form does.
pub(super) fn kind(request: &Request) -> &'static str {
    match request {
        Request::Init(_) => "init",
        Request::Backup(_) => "backup",
        Request::Import(_) => "import",
        Request::Inspect(_) => "inspect",
        Request::Restore(_) => "restore",
        Request::Refresh(_) => "refresh",
        Request::Undo(_) => "undo",
        Request::Apply(_) => "apply",
        Request::Merge(_) => "merge",
        Request::Replay(_) => "replay",
        Request::Migrate(_) => "migrate",
        Request::Around(_) => "around",
        Request::Diff(_) => "diff",
        Request::Export(_) => "export",
        Request::Verify(_) => "verify",
        Request::Check(_) => "check",
        Request::Repair(_) => "repair",
        Request::CheckData(_) => "check_data",
        Request::Drill(_) => "drill",
        Request::Assess(_) => "assess",
        Request::Health(_) => "health",
        Request::History(_) => "history",
        Request::Doctor(_) => "doctor",
        Request::Probe(_) => "probe",
        Request::SuggestMask(_) => "suggest_mask",
        Request::CheckMask(_) => "check_mask",
        Request::Keep(_) => "keep",
        Request::Hold(_) => "hold",
        Request::Release(_) => "release",
        Request::Copy(_) => "copy",
        Request::Delete(_) => "delete",
        Request::Prune(_) => "prune",
    }
}
