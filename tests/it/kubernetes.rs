//! The Kubernetes manifests tell the program what it understands: commands, settings, ports, paths and peers are its own.

mod manifests;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use clap::Parser as _;
use serde_json::{Value, json};
use weir::{
    args::{Cli, Command},
    roles::Role,
    settings::Settings,
    suite::{Plan, Suite},
};
use weir_model::Ids;
use weir_runtime::{LIVENESS, Metrics, Shutdown};

use self::manifests::{Place, list, number, text};

/// The role whose pods a label or a selector names.
fn role(component: &str) -> Role {
    component.parse().unwrap_or_else(|problem| panic!("{component}: {problem}"))
}

fn command(workload: &Value) -> Command {
    let container = &list(workload, "/spec/template/spec/containers")[0];
    let args = list(container, "/args").iter().map(|arg| arg.as_str().unwrap());
    Cli::try_parse_from(["weir"].into_iter().chain(args)).unwrap_or_else(|error| panic!("{error}")).command
}

#[test]
fn in_production_each_role_is_a_workload_of_its_own_and_a_job_migrates() {
    let mut served = Vec::new();
    for workload in Place::production().workloads() {
        match command(workload) {
            Command::Serve(args) => {
                assert_eq!(args.roles, [role(text(workload, "/metadata/labels/app.kubernetes.io~1component"))]);
                served.extend(args.roles);
            }
            Command::Migrate(args) => assert!(args.roles.is_empty() && !args.check, "every schema is migrated"),
            other => panic!("no pod runs {other:?}"),
        }
    }
    served.sort_unstable();
    assert_eq!(served, Role::ALL);
}

#[test]
fn in_development_one_pod_plays_every_role() {
    let place = Place::dev();
    let workloads: Vec<_> = place.workloads().collect();
    assert_eq!(workloads.len(), 1);
    let Command::Serve(args) = command(workloads[0]) else { panic!("it serves") };
    assert!(args.roles.is_empty(), "{:?}", args.roles);
    assert!(place.settings().is_embedded());
}

#[test]
fn every_variable_of_a_pod_is_a_setting() {
    for place in Place::all() {
        place.settings();
    }
}

#[test]
fn pods_services_and_policies_name_the_ports_the_program_listens_on() {
    for place in Place::all() {
        let settings = place.settings();
        let port = |address: &str| address.rsplit_once(':').unwrap().1.parse::<u64>().unwrap();
        let ports = BTreeMap::from([
            ("grpc", u64::from(settings.server.listen.port())),
            ("metrics", port(&settings.telemetry.metrics_listen)),
            ("health", port(&settings.server.health_listen)),
        ]);
        let opened = list(place.container(), "/ports").iter();
        let opened: BTreeMap<_, _> = opened.map(|port| (text(port, "/name"), number(port, "/containerPort"))).collect();
        assert_eq!(opened, ports);
        let scraped = text(place.server(), "/spec/template/metadata/annotations/prometheus.io~1port");
        assert_eq!(scraped, ports["metrics"].to_string());
        for service in place.of_kind("Service") {
            for port in list(service, "/spec/ports") {
                assert_eq!(number(port, "/port"), ports[text(port, "/targetPort")]);
            }
        }
        for rule in place.of_kind("NetworkPolicy").filter_map(|policy| policy.pointer("/spec/ingress/0")) {
            let let_in = number(rule, "/ports/0/port");
            let to = if rule.to_string().contains("weir/scraper") { "metrics" } else { "grpc" };
            assert_eq!(let_in, ports[to], "{rule}");
        }
    }
}

#[test]
fn probes_ask_the_port_of_health_for_what_it_knows() {
    for place in Place::all() {
        let health = place.settings().server.health_listen;
        assert!(health.starts_with("0.0.0.0:"), "the kubelet asks from outside the pod: {health}");
        for (probe, service) in [("startup", Some(LIVENESS)), ("liveness", Some(LIVENESS)), ("readiness", None)] {
            let asked = place.container().pointer(&format!("/{probe}Probe/grpc")).unwrap();
            assert!(health.ends_with(&format!(":{}", number(asked, "/port"))), "{probe}");
            assert_eq!(asked.get("service").and_then(Value::as_str), service, "{probe}");
        }
    }
}

#[test]
fn a_pod_has_longer_to_end_than_the_program_takes() {
    for place in Place::all() {
        let grace = Duration::from_secs(number(place.server(), "/spec/template/spec/terminationGracePeriodSeconds"));
        let shutdown = place.settings().shutdown;
        assert!(grace > shutdown.wait + shutdown.hard_limit, "{grace:?} {shutdown:?}");
    }
}

#[test]
fn what_the_program_reads_and_writes_is_in_a_volume() {
    let is_mounted = |place: &Place, path: &std::path::Path| {
        assert!(
            place.mounts().iter().any(|mount| path.starts_with(mount)),
            "{} in {:?}",
            path.display(),
            place.mounts()
        );
    };
    let production = Place::production();
    is_mounted(&production, &production.settings().principal.key_file);
    is_mounted(&production, &production.settings().principal.service_key_file);
    let dev = Place::dev();
    is_mounted(&dev, &dev.settings().database.folder);
    is_mounted(&dev, &dev.settings().notices.folder);
}

#[test]
fn every_pod_meets_the_restricted_standard() {
    for place in Place::all() {
        for workload in place.workloads() {
            let kind = text(workload, "/kind");
            assert!(["Deployment", "StatefulSet", "Job"].contains(&kind), "the patches of pods leave {kind} out");
        }
        let pod = place.pod();
        let container = &list(pod, "/containers")[0];
        for (of, pointer, value) in [
            (pod, "/automountServiceAccountToken", json!(false)),
            (pod, "/securityContext/runAsNonRoot", json!(true)),
            (pod, "/securityContext/seccompProfile/type", json!("RuntimeDefault")),
            (container, "/securityContext/allowPrivilegeEscalation", json!(false)),
            (container, "/securityContext/readOnlyRootFilesystem", json!(true)),
            (container, "/securityContext/capabilities/drop", json!(["ALL"])),
        ] {
            assert_eq!(of.pointer(pointer), Some(&value), "{pointer}");
        }
    }
}

#[tokio::test]
async fn roles_may_talk_to_those_they_follow_and_to_no_others() {
    let place = Place::production();
    let mut followers: BTreeMap<Role, BTreeSet<Role>> = BTreeMap::new();
    let policy = |role: Role| place.named("NetworkPolicy", role.as_str());
    for from in Role::ALL {
        let followed = followed_by(from).await;
        for to in &followed {
            followers.entry(*to).or_default().insert(from);
        }
        assert_eq!(others(from, policy(from), "/spec/egress", "to"), followed, "{from} reaches");
    }
    for to in Role::ALL {
        let followers = followers.remove(&to).unwrap_or_default();
        assert_eq!(others(to, policy(to), "/spec/ingress", "from"), followers, "{to} is reached by");
    }
}

/// The other roles whose pods a policy names.
fn others(of: Role, policy: &Value, rules: &str, side: &str) -> BTreeSet<Role> {
    let rules = policy.pointer(rules).and_then(Value::as_array).into_iter().flatten();
    let peers = rules.filter_map(|rule| rule.get(side)).flat_map(|peers| peers.as_array().unwrap());
    let pods = peers.filter_map(|peer| peer.pointer("/podSelector/matchLabels/app.kubernetes.io~1component"));
    pods.map(|component| role(component.as_str().unwrap())).filter(|role| *role != of).collect()
}

#[tokio::test]
async fn no_role_waits_for_one_that_waits_for_it_to_be_ready() {
    let place = Place::production();
    let settings = place.settings();
    let mut waits: BTreeMap<Role, Vec<Role>> = BTreeMap::new();
    for from in Role::ALL {
        for to in followed_by(from).await {
            let address = settings.peer_address(to);
            let host = address.strip_prefix("http://").unwrap().split(':').next().unwrap();
            let service = place.named("Service", host);
            assert_eq!(role(text(service, "/spec/selector/app.kubernetes.io~1component")), to, "{address}");
            if service.pointer("/spec/publishNotReadyAddresses") != Some(&Value::Bool(true)) {
                waits.entry(from).or_default().push(to);
            }
        }
    }
    let mut ready = BTreeSet::new();
    while let Some(next) = Role::ALL.into_iter().find(|role| {
        !ready.contains(role) && waits.get(role).is_none_or(|others| others.iter().all(|other| ready.contains(other)))
    }) {
        ready.insert(next);
    }
    assert_eq!(ready.len(), Role::ALL.len(), "only {ready:?} ever get ready: {waits:?}");
}

/// The roles a role cannot do without, as the program says where nobody tells it their addresses.
async fn followed_by(role: Role) -> BTreeSet<Role> {
    let mut followed = BTreeSet::new();
    loop {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::embedded(folder.path()).unwrap();
        for other in &followed {
            let address = match other {
                Role::Assessment => &mut settings.peers.assessment,
                Role::Limits => &mut settings.peers.limits,
                Role::OrderGate => &mut settings.peers.order_gate,
                Role::Receivables => &mut settings.peers.receivables,
                Role::Collections => &mut settings.peers.collections,
            };
            "http://127.0.0.1:1".clone_into(address);
        }
        let plan = Plan {
            settings: &settings,
            roles: &[role],
            clock: settings.clock().unwrap(),
            ids: Ids::random(),
            metrics: Metrics::new(),
            shutdown: Shutdown::new(settings.shutdown.clone()),
        };
        let refusal = match Suite::build(plan).await {
            Ok(suite) => {
                suite.stop().await;
                return followed;
            }
            Err(error) => error.to_string(),
        };
        let asked = Role::ALL.into_iter().find(|other| refusal.ends_with(&format!("set peers.{}", other.database())));
        assert!(followed.insert(asked.unwrap_or_else(|| panic!("{refusal}"))), "{refusal}");
    }
}
