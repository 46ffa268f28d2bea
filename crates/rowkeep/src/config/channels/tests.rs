use std::path::Path;

use super::{AlertKind, Delivery, MailSecurity};
use crate::Config;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn parse(text: &str) -> Result<Config, String> {
    let variable = |name: &str| (name == "SECRET").then(|| "s3cret".to_owned());
    let text = format!("timezone = 'Europe/London'\n{text}\n[databases.shop]\nurl = 'shop.db'\n");
    Config::parse(&text, Path::new("/etc/rowkeep.toml"), &variable).map_err(|error| error.to_string())
}

#[test]
fn each_kind_is_read() {
    let text = format!(
        "[[channels]]\nname = 'ops'\nkind = 'email'\nserver = 'mail.example.com'\nuser = 'u'\npassword = '${{SECRET}}'\n\
         from = 'Rowkeep <rowkeep@example.com>'\nto = ['a@example.com', 'b@example.com']\nquiet = '22:00 to 07:00'\n\
         summary = 'weekly on Monday at 08:00'\nsuccess = true\n\
         [[channels]]\nname = 'slack'\nkind = 'slack'\nurl = 'https://hooks.slack.com/services/T/B/x'\nalerts = ['damage']\n\
         [[channels]]\nname = 'discord'\nkind = 'discord'\nurl_file = 'discord'\n\
         [[channels]]\nname = 'teams'\nkind = 'teams'\nurl = 'https://${{NOT_SET}}/x'\ndatabases = ['shop']\n\
         [[channels]]\nname = 'telegram'\nkind = 'telegram'\ntoken = '${{SECRET}}'\nchat = '-100'\n\
         [[channels]]\nname = 'ntfy'\nkind = 'ntfy'\nurl = 'http://ntfy.lan/backups'\nprivate_network = true\n\
         [[channels]]\nname = 'pager'\nkind = 'pagerduty'\nkey = '${{SECRET}}'\n\
         [[channels]]\nname = 'hook'\nkind = 'webhook'\nurl = 'https://example.com/hook'\nsecret = '{SECRET}'\n"
    );
    let config = parse(&text).expect("it is well formed");
    let kinds: Vec<&str> = config.channels.iter().map(|channel| channel.delivery.kind()).collect();
    assert_eq!(kinds, ["email", "slack", "discord", "teams", "telegram", "ntfy", "pagerduty", "webhook"]);
    let [ops, slack, discord, teams, ..] = config.channels.as_slice() else { panic!("there are eight") };
    let Delivery::Email(mail) = &ops.delivery else { panic!("it is mail") };
    assert_eq!((mail.port, mail.security, mail.to.len()), (587, MailSecurity::StartTls, 2));
    assert_eq!(ops.zone.iana_name(), Some("Europe/London"));
    assert!(ops.success && ops.summary.is_some() && ops.quiet.is_some());
    assert!(slack.gets(AlertKind::Damage, None) && !slack.gets(AlertKind::Overdue, Some("shop")));
    assert!(teams.gets(AlertKind::Overdue, Some("shop")) && !teams.gets(AlertKind::Damage, None));
    assert!(ops.problem().is_none());
    assert!(discord.problem().is_some_and(|problem| problem.contains("/etc/discord")));
    assert!(teams.problem().is_some_and(|problem| problem.contains("NOT_SET")));
    let shown = format!("{config:?}");
    assert!(!shown.contains("s3cret") && !shown.contains("whsec_Mf") && !shown.contains("hooks.slack.com"));
}

#[test]
fn mistakes_are_named() {
    let channel = |rest: &str| format!("[[channels]]\nname = 'a'\n{rest}");
    let mail = |rest: &str| {
        let mail = "kind = 'email'\nserver = 's'\nfrom = 'a@example.com'\nto = 'b@example.com'\n";
        channel(&format!("{mail}{rest}"))
    };
    let slack = "kind = 'slack'\nurl = 'https://example.com/'\n";
    for (text, problem) in [
        (channel("kind = 'pigeon'"), "channel a: there is no kind \"pigeon\""),
        (channel("kind = 'slack'"), "channel a: url is missing"),
        (channel(&format!("{slack}chat = '1'")), "channel a: chat is nothing that the kind slack has"),
        (channel(&format!("{slack}url_file = 'b'")), "channel a: write url or url_file, not both"),
        (channel("kind = 'slack'\nurl = 'http://example.com/'"), "channel a: url: write https"),
        (channel("kind = 'slack'\nurl = 'file:///etc/passwd'"), "channel a: url: it is no address"),
        (channel("kind = 'slack'\nurl = 'example.com'"), "channel a: url: it is no address"),
        (channel(&format!("{slack}alerts = ['fire']")), "channel a: alerts: there is no alert \"fire\""),
        (channel(&format!("{slack}databases = ['no']")), "channel a: databases: there is no database no"),
        (channel(&format!("{slack}quiet = 'at night'")), "channel a: quiet: \"at night\" are no hours"),
        (channel(&format!("{slack}summary = 'sometimes'")), "channel a: summary: "),
        (channel(&format!("{slack}colour = 'red'")), "colour"),
        (format!("{0}{0}", channel(slack)), "there are two channels a"),
        ("[[channels]]\nname = ''\nkind = 'slack'".to_owned(), "\"\" is no name for a channel"),
        (mail("tls = 'maybe'"), "channel a: tls is \"maybe\""),
        (mail("user = 'u'"), "channel a: password is missing"),
        (mail("password = 'u'"), "channel a: user is missing"),
        (
            mail("tls = 'none'\nuser = 'u'\npassword = 'p'"),
            "channel a: tls = \"none\" would show the password",
        ),
        (channel("kind = 'email'\nserver = 's'\nfrom = 'a@example.com'"), "channel a: to is missing"),
        (
            channel("kind = 'email'\nserver = 's'\nfrom = 'nobody'\nto = 'b@example.com'"),
            "channel a: from: \"nobody\" is no address of mail",
        ),
        (
            channel(
                "kind = 'email'\nserver = 's'\nfrom = 'a@example.com'\nto = \"b@example.com\\nBcc: c@example.com\"",
            ),
            "is no address of mail",
        ),
        (channel("kind = 'pagerduty'\nkey = 'k'\nsuccess = true"), "channel a: PagerDuty takes alerts alone"),
        (
            channel("kind = 'webhook'\nurl = 'https://example.com'\nsecret = 'short'"),
            "channel a: secret is whsec_ and 24 to 64 random bytes in base64",
        ),
        (channel("kind = 'telegram'\ntoken = 't'"), "channel a: chat is missing"),
    ] {
        let error = parse(&text).expect_err(&text);
        assert!(error.contains(problem), "{text}: {error}");
    }
}

#[test]
fn pings_are_read_with_their_rule() {
    let config = |ping: &str| {
        let text = format!("[databases.shop]\nurl = 'shop.db'\nping = {ping}\n");
        Config::parse(&text, Path::new("/etc/rowkeep.toml"), &|_| None).map_err(|error| error.to_string())
    };
    let one = config("'https://hc-ping.com/x'").expect("it is well formed");
    let pings = &one.databases["shop"].pings;
    assert!(pings.backup.is_some() && pings.drill.is_none() && !pings.private_network);
    let both = "{ backup = 'http://kuma.lan/api/push/x', drill = 'http://hc.lan/y', private_network = true }";
    let both = config(both).expect("it is well formed");
    assert!(both.databases["shop"].pings.drill.is_some() && both.databases["shop"].pings.private_network);
    for (ping, problem) in [
        ("'http://hc-ping.com/x'", "database shop: ping: backup: write https"),
        ("{ drill = 'x' }", "database shop: ping: drill: it is no address"),
        ("{ prune = 'https://hc-ping.com/x' }", "ping"),
    ] {
        let error = config(ping).expect_err(ping);
        assert!(error.contains(problem), "{ping}: {error}");
    }
}
