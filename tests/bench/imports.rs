//! Many secrets in one run: an import, a shell loop of creates, and `gh secret set -f`.

use crate::measure::{self, Job, Times};
use crate::peers::{Stage, Traffic, at, counted};
use crate::relay;
use crate::server::Server;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// How many secrets a file has.
const SIZES: [usize; 3] = [1, 30, 300];

/// More than that are not loaded one by one over the distance: it takes a minute.
const MAX_DISTANT: usize = 30;

/// Runs for a median.
const RUNS: usize = 5;

/// What a loop in a script does.
const LOOP: &str = r#"while IFS='=' read -r name value; do
    printf %s "$value" | "$1" secret create "$name" --if-exists update || exit 1
done <"$2""#;

/// One way to load a file.
struct Loader {
    name: &'static str,
    near: Job,
    distant: Job,
    /// `None` when it failed.
    traffic: Option<Traffic>,
}

/// An import of so many secrets, and its traffic; the second job is the same over the distance.
pub fn import(stage: &Stage, program: &Path, secrets: usize) -> (Job, Job, Option<Traffic>) {
    let file = stage.env_file(secrets);
    let arguments = ["secret", "import", &file, "--if-exists", "update"];
    let loader = ours("import", program, &arguments.map(str::to_owned));
    (loader.near, loader.distant, loader.traffic)
}

/// Loads into a server of its own.
fn ours(name: &'static str, program: &Path, arguments: &[String]) -> Loader {
    let server = Box::leak(Box::new(Server::start()));
    let near = Job {
        program: program.to_owned(),
        arguments: arguments.to_vec(),
        environment: server.env(),
    };
    let traffic = near.run().then(|| counted(server, 0, 0, 0));
    let port = relay::start(server.address(), 0, crate::ROUND_TRIP);
    let distant = at(&near, &format!("https://localhost:{port}"));
    Loader {
        name,
        near,
        distant,
        traffic,
    }
}

/// Prints the table.
pub fn print(stage: &Stage, program: &Path) {
    println!(
        "\n{:>7} {:<14} {:>9} {:>11} {:>10} {:>10} {:>10} {:>12}",
        "secrets",
        "loaded by",
        "requests",
        "connections",
        "handshakes",
        "CPU ms",
        "wall ms",
        "wall, 50 ms"
    );
    for secrets in SIZES {
        let file = stage.env_file(secrets);
        let import = ["secret", "import", &file, "--if-exists", "update"].map(str::to_owned);
        let shell = ["-c", LOOP, "sh", &program.display().to_string(), &file].map(str::to_owned);
        let mut loaders = vec![
            ours("oz import", program, &import),
            ours("oz in a loop", Path::new("/bin/sh"), &shell),
        ];
        if let Some([near, distant]) = stage.gh_import(&file) {
            let traffic = stage.gh_traffic(&near);
            loaders.push(Loader {
                name: "gh",
                near,
                distant,
                traffic,
            });
        }
        for loader in &loaders {
            print_row(secrets, loader);
        }
    }
}

fn print_row(secrets: usize, loader: &Loader) {
    let count = |figure: fn(&Traffic) -> u64| {
        let found = loader.traffic.as_ref().map(figure);
        found.map_or_else(|| "-".to_owned(), |count| count.to_string())
    };
    let millis = |time: Option<Duration>| {
        time.map_or_else(
            || "-".to_owned(),
            |time| format!("{:.1}", time.as_secs_f64() * 1000.0),
        )
    };
    let runs = if secrets > MAX_DISTANT { 1 } else { RUNS };
    let near: Option<Times> = measure::times(&loader.near, runs);
    let is_measured = secrets <= MAX_DISTANT || loader.name != "oz in a loop";
    let distant = is_measured
        .then(|| measure::times(&loader.distant, 1))
        .flatten();
    println!(
        "{secrets:>7} {:<14} {:>9} {:>11} {:>10} {:>10} {:>10} {:>12}",
        loader.name,
        count(|traffic| traffic.requests),
        count(|traffic| traffic.connections),
        count(|traffic| traffic.handshakes),
        millis(near.map(|times| times.cpu)),
        millis(near.map(|times| times.wall)),
        millis(distant.map(|times| times.wall)),
    );
}

impl Stage {
    /// A file of so many secrets, each with a value as tokens are.
    pub fn env_file(&self, secrets: usize) -> String {
        let path = self.file(&format!("{secrets}.env"));
        let line = |number| format!("SECRET_{number}=a-value-of-some-forty-bytes-as-tokens-are\n");
        let text: String = (0..secrets).map(line).collect();
        fs::write(&path, text).expect("a file");
        path
    }
}
