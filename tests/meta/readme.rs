//! The README: every block is run, and its links lead somewhere. And the tests that the page on security names are there.

use crate::artefact::VERSION;
use crate::release::{make_install, write_key, write_sums};
use crate::server::{Account, Scope, Server};
use crate::support::{binary, namespaces, tools};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

const README: &str = include_str!("../../README.md");
const SECURITY: &str = include_str!("../../.github/SECURITY.md");

/// A `$ command` and what it prints, standard error included.
#[derive(Debug)]
struct Example {
    command: String,
    output: String,
}

/// A line that no output has, after what each command prints.
const NEXT: &str = "=== next ===";

/// The blocks marked `console`, in order.
fn examples(text: &str) -> Vec<Vec<Example>> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line != "```console" {
            continue;
        }
        let mut block: Vec<Example> = Vec::new();
        for line in lines.by_ref().take_while(|line| *line != "```") {
            match line.strip_prefix("$ ") {
                Some(command) => block.push(Example {
                    command: command.to_owned(),
                    output: String::new(),
                }),
                None => {
                    let example = block.last_mut().expect("a block starts with a command");
                    example.output.push_str(line);
                    example.output.push('\n');
                }
            }
        }
        blocks.push(block);
    }
    blocks
}

#[test]
fn the_examples_do_what_they_say() {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let server = Server::builder()
        .account(Account::person())
        .clock(now.try_into().unwrap())
        .start();
    let home = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(binary(), home.path().join("oz")).unwrap();
    let blocks = examples(README);
    assert!(blocks.len() >= 3, "the README has examples");
    for block in blocks {
        // One shell a block, so that a function defined in one line is there in the next.
        let script: String = block
            .iter()
            .map(|example| format!("{}\necho '{NEXT}'\n", example.command))
            .collect();
        let output = Command::new("/bin/sh")
            .args(["-c", &format!("exec 2>&1\n{script}")])
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", home.path().display()))
            .envs(server.env())
            .current_dir(home.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let expected: String = block
            .iter()
            .map(|example| format!("{}{NEXT}\n", example.output))
            .collect();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
        assert!(output.status.success(), "{}", output.status);
    }
}

/// The code blocks in this language, in order.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    let blocks = README.split(fence.as_str()).skip(1);
    blocks
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

/// The only block in this language that has this word.
fn block(language: &str, word: &str) -> &'static str {
    let found: Vec<&str> = blocks(language)
        .into_iter()
        .filter(|block| block.contains(word))
        .collect();
    assert_eq!(found.len(), 1, "{language}: {word}");
    found[0]
}

fn write_program(path: &Path, script: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("#!/bin/sh\n{script}")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The archive for a machine, without its extension.
fn archive_name(machine: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("oz-{version}-{machine}-unknown-linux-musl")
}

/// A folder of its own, with a `bin` in PATH that holds the program.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.path("bin")).unwrap();
        std::os::unix::fs::symlink(binary(), place.path("bin/oz")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Packs what `make dist` would, as far as the README reads it, and the checksums.
    fn release(&self, machine: &str, key: Option<&Path>) {
        let name = archive_name(machine);
        let page = self.path(&format!("release/{name}/share/man/man1/oz.1"));
        fs::create_dir_all(page.parent().unwrap()).unwrap();
        fs::write(page, "").unwrap();
        fs::copy(binary(), self.path(&format!("release/{name}/oz"))).unwrap();
        let packed = Command::new("tar")
            .args(["-czf", &format!("{name}.tar.gz"), "--remove-files", &name])
            .current_dir(self.path("release"))
            .status();
        assert!(packed.unwrap().success());
        write_sums(&self.path("release"), key);
    }

    /// Runs a script, and returns what it prints and whether it succeeds.
    fn run(&self, shell: &[&str], script: &str, env: &[(String, String)]) -> (String, bool) {
        let output = Command::new(shell[0])
            .args(&shell[1..])
            .args(["-c", &format!("exec 2>&1\n{script}")])
            .env_clear()
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", self.path("bin").display()),
            )
            .env("HOME", self.path("home"))
            .envs(env.iter().map(|(name, value)| (name, value)))
            .current_dir(self.path("release"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (
            String::from_utf8(output.stdout).unwrap(),
            output.status.success(),
        )
    }
}

#[test]
fn an_archive_is_verified_and_installed() {
    if !tools::have("ssh-keygen") {
        return;
    }
    let script = block("sh", "ssh-keygen");
    let place = Place::new();
    let key = write_key(&place.0);
    place.release(std::env::consts::ARCH, Some(&key));
    let signers = format!(
        "oz-release {}",
        fs::read_to_string(key.with_extension("pub")).unwrap()
    );
    fs::write(place.path("release/allowed_signers"), signers).unwrap();
    let installed = place.path("home/.local/bin/oz");

    let sums = place.path("release/SHA256SUMS");
    let good = fs::read_to_string(&sums).unwrap();
    fs::write(&sums, good.replace('0', "1")).unwrap();
    let (said, _) = place.run(&["sh"], script, &[]);
    assert!(said.contains("Could not verify signature"), "{said}");
    assert!(!installed.exists());
    fs::write(&sums, good).unwrap();

    let (said, succeeds) = place.run(&["sh"], script, &[]);
    assert!(succeeds, "{said}");
    assert!(
        said.starts_with("Good \"oz-release\" signature for oz-release with ED25519 key"),
        "{said}"
    );
    assert!(place.path("home/.local/share/man/man1/oz.1").exists());
    let output = Command::new(installed).arg("--version").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), VERSION);

    // An archive that was changed since.
    let unpacked = archive_name(std::env::consts::ARCH);
    let name = format!("{unpacked}.tar.gz");
    fs::rename(
        place.path("release").join(&name),
        place.path("release/other.tar.gz"),
    )
    .unwrap();
    fs::write(place.path("release").join(&name), "").unwrap();
    let (said, succeeds) = place.run(&["sh"], script, &[]);
    assert!(
        !succeeds && said.contains("1 computed checksum did NOT match"),
        "{said}"
    );
    // One that is not in the list, beside one that is.
    fs::remove_dir_all(place.path("release").join(unpacked)).unwrap();
    fs::remove_file(place.path("release").join(&name)).unwrap();
    write_sums(&place.path("release"), Some(&key));
    fs::write(place.path("release").join(&name), "").unwrap();
    let (said, succeeds) = place.run(&["sh"], script, &[]);
    assert!(
        !succeeds && said.contains("no properly formatted"),
        "{said}"
    );
}

/// With a program in the place of Docker that knows these two commands, and passes on what it is told to.
#[test]
fn the_image_is_loaded_and_run() {
    let script = block("sh", "docker run");
    let server = Server::builder().account(Account::person()).start();
    let place = Place::new();
    fs::create_dir(place.path("release")).unwrap();
    let settings: Vec<String> = server
        .env()
        .into_iter()
        .filter(|(name, _)| name != "WARP_API_KEY")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    let docker = format!(
        "case \"$1 $2 $3 $4 $5 $6 $7\" in
        'load -i oz-{version}.oci.tar    ') echo loaded ;;
        'run --pull=never --rm -i -e WARP_API_KEY oz:{version}')
            shift 7
            exec env -i WARP_API_KEY=\"$WARP_API_KEY\" {} {} \"$@\" ;;
        *) echo \"docker: $*\"; exit 1 ;;
        esac\n",
        settings.join(" "),
        binary().display()
    );
    write_program(&place.path("bin/docker"), &docker);
    let (said, succeeds) = place.run(&["sh"], script, &server.env());
    assert_eq!(said, "loaded\nSecret 'SESSION_KEY' created\n");
    assert!(succeeds);
    assert_eq!(
        server.opened(Scope::Personal, "SESSION_KEY").unwrap().len(),
        "{\"value\":\"\"}".len() + 64
    );
}

/// What comes after `key: ` or in the block after `key: |`, or the items of a list.
fn yaml<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    let mut lines = text.lines();
    let start = lines
        .find(|line| line.trim_start().starts_with(key))
        .expect("the key");
    let indent = start.len() - start.trim_start().len();
    lines
        .take_while(|line| line.len() - line.trim_start().len() > indent)
        .map(|line| line.trim_start().trim_start_matches("- "))
        .collect()
}

/// The first time and every later one: the shells of the two services end at the first failure.
fn run_job(place: &Place, lines: &[&str], env: &[(String, String)]) {
    let server = Server::builder().account(Account::person()).start();
    let env = [server.env(), env.to_vec()].concat();
    for said in [
        "Secret 'SESSION_KEY' created",
        "Secret 'SESSION_KEY' updated",
    ] {
        let (output, succeeds) =
            place.run(&["bash", "-e", "-o", "pipefail"], &lines.join("\n"), &env);
        assert!(succeeds, "{output}");
        assert_eq!(output.lines().last(), Some(said), "{output}");
        assert!(server.opened(Scope::Personal, "SESSION_KEY").is_some());
    }
}

#[test]
fn the_job_of_github_stores_a_secret() {
    if !tools::have("curl") || !tools::have("bash") {
        return;
    }
    let block = block("yaml", "runs-on");
    let place = Place::new();
    place.release("x86_64", None);
    let sums = fs::read_to_string(place.path("release/SHA256SUMS")).unwrap();
    let env = [
        (
            "OZ_URL",
            format!("file://{}", place.path("release").display()),
        ),
        ("OZ_SHA256", sums[..64].to_owned()),
    ];
    // Where the job runs, the files are not there yet.
    let work = ["mkdir -p ../work", "cd ../work"];
    let lines = [&work[..], &yaml(block, "run:")].concat();
    run_job(
        &place,
        &lines,
        &env.map(|(name, value)| (name.to_owned(), value)),
    );
}

#[test]
fn the_job_of_gitlab_stores_a_secret() {
    if !tools::have("bash") {
        return;
    }
    let place = Place::new();
    fs::create_dir(place.path("release")).unwrap();
    write_program(
        &place.path("bin/make"),
        "[ \"$*\" = '-C oz install PREFIX=/usr/local' ]\n",
    );
    run_job(
        &place,
        &yaml(block("yaml", "GIT_SUBMODULE"), "script:"),
        &[],
    );
}

/// Does in two empty roots what the two stages say.
#[test]
fn the_dockerfile_makes_an_image_that_runs() {
    let roots = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut stages = 0;
    let mut entry_point: Option<Vec<String>> = None;
    for line in block("Dockerfile", "FROM").lines() {
        let (instruction, words) = line.split_once(' ').unwrap();
        match (stages, instruction, words) {
            (0, "FROM", "rust:1.95 AS build") | (1, "FROM", "scratch") => stages += 1,
            // A checkout, which is what this test runs in.
            (1, "WORKDIR", "/src") | (1, "COPY", ". .") => {}
            (1, "RUN", "make install DESTDIR=/out") => {
                let destination = format!("DESTDIR={}/out", roots[0].path().display());
                let Some((code, said)) = make_install(&destination) else {
                    return;
                };
                assert_eq!(code, Some(0), "{said}");
            }
            (2, "COPY", "--from=build /out/usr/local/bin/oz /oz") => {
                let built = roots[0].path().join("out/usr/local/bin/oz");
                fs::copy(built, roots[1].path().join("oz"))
                    .map(drop)
                    .unwrap();
            }
            (2, "ENTRYPOINT", words) => entry_point = Some(serde_json::from_str(words).unwrap()),
            _ => panic!("{line:?} is an instruction that this test does not know"),
        }
    }
    let Some(mut command) = namespaces::chroot(roots[1].path()) else {
        return;
    };
    let command = command.args(entry_point.expect("an entry point"));
    let output = command.arg("--version").env_clear().output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), VERSION);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn every_block_is_tested_and_every_link_leads_somewhere() {
    let tested = [("sh", 2), ("yaml", 2), ("Dockerfile", 1), ("console", 3)];
    for (language, number) in tested {
        assert_eq!(blocks(language).len(), number, "{language}");
    }
    assert_eq!(
        README.matches("```").count(),
        2 * tested.map(|(_, number)| number).iter().sum::<usize>()
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for link in README.split("](").skip(1) {
        let target = link.split(')').next().unwrap();
        let (file, heading) = target.split_once('#').unwrap_or((target, ""));
        let file = if file.is_empty() { "README.md" } else { file };
        let text = fs::read_to_string(root.join(file)).expect(file);
        let is_there = |line: &str| {
            let title = line.strip_prefix("## ").map(str::to_lowercase);
            title.is_some_and(|title| title.replace(',', "").replace(' ', "-") == heading)
        };
        assert!(heading.is_empty() || text.lines().any(is_there), "{target}");
    }
    // The version of a release is in its commands.
    for name in ["oz-", "oz:", "oz-secret_"] {
        let versions = README
            .split(name)
            .skip(1)
            .filter(|rest| rest.starts_with("0."));
        let mut named = 0;
        for rest in versions {
            assert!(
                rest.starts_with(env!("CARGO_PKG_VERSION")),
                "{name}{}",
                &rest[..9]
            );
            named += 1;
        }
        assert!(named > 0, "{name}");
    }
}

#[test]
fn every_security_row_names_an_existing_test() {
    let mut named = 0;
    for row in SECURITY
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ---"))
    {
        let cell = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        for name in cell.split('`').filter_map(|word| word.split_once("::")) {
            let (module, function) = name;
            let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
            let source = ["cli", "verbs", "network", "meta"]
                .iter()
                .find_map(|topic| {
                    fs::read_to_string(tests.join(topic).join(format!("{module}.rs"))).ok()
                })
                .unwrap_or_else(|| panic!("{module} is no file of tests"));
            assert!(
                source.contains(&format!("#[test]\nfn {function}()")),
                "{module}::{function} is no test"
            );
            named += 1;
        }
    }
    assert!(named > 10, "the table names tests");
}
