//! Tests a release that `make dist` has packaged, with programs and crates of others: `make test-dist`.

use auditable_serde::{DependencyKind, VersionInfo};
use cyclonedx_bom::prelude::{Bom, Validate};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The most bytes of the program for x86_64, with the list of its crates.
const MAX_SIZE: u64 = 1_320_000;

/// The architectures: as Rust names them, as images do and as Debian does.
const MACHINES: [(&str, &str, &str); 2] =
    [("x86_64", "amd64", "amd64"), ("aarch64", "arm64", "arm64")];

/// The manual pages and completions, below a directory `share`.
const SHARE: [&str; 13] = [
    "bash-completion/completions/oz",
    "elvish/lib/oz.elv",
    "fish/vendor_completions.d/oz.fish",
    "man/man1/oz-completions.1",
    "man/man1/oz-secret-create.1",
    "man/man1/oz-secret-delete.1",
    "man/man1/oz-secret-import.1",
    "man/man1/oz-secret-list.1",
    "man/man1/oz-secret-update.1",
    "man/man1/oz-whoami.1",
    "man/man1/oz.1",
    "powershell/oz.ps1",
    "zsh/site-functions/_oz",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn dist() -> PathBuf {
    root().join("dist")
}

fn version() -> String {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let line = manifest.lines().find(|line| line.starts_with("version"));
    line.unwrap().split('"').nth(1).unwrap().to_owned()
}

/// Runs a program that has to succeed, and returns what it says.
fn run(command: &mut Command) -> String {
    let output = command.current_dir(root()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

fn archive_name(machine: &str) -> String {
    format!("oz-{}-{machine}-unknown-linux-musl", version())
}

fn package(architecture: &str) -> PathBuf {
    dist().join(format!("oz-secret_{}_{architecture}.deb", version()))
}

fn unpack(archive: &Path) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let tar = &mut Command::new("tar");
    run(tar.arg("-xf").arg(archive).arg("-C").arg(directory.path()));
    directory
}

/// All files below a directory, relative to it and sorted.
fn files(directory: &Path) -> BTreeSet<String> {
    let find = &mut Command::new("find");
    let said = run(find
        .arg(directory)
        .args(["!", "-type", "d", "-printf", "%P\n"]));
    said.lines().map(str::to_owned).collect()
}

fn digest(path: &Path) -> String {
    run(Command::new("sha256sum").arg(path))[..64].to_owned()
}

/// The directory that an archive holds.
fn archive(machine: &str) -> (TempDir, PathBuf) {
    let name = archive_name(machine);
    let directory = unpack(&dist().join(format!("{name}.tar.gz")));
    let path = directory.path().join(name);
    (directory, path)
}

/// The root file system of an image, by way of the index.
fn image(architecture: &str) -> (TempDir, PathBuf, Value) {
    let layout = unpack(&dist().join(format!("oz-{}.oci.tar", version())));
    let blob = |descriptor: &Value| {
        let sum = descriptor["digest"].as_str().unwrap();
        let path = layout.path().join("blobs").join(sum.replace(':', "/"));
        assert_eq!(format!("sha256:{}", digest(&path)), sum);
        let size = fs::metadata(&path).unwrap().len();
        assert_eq!(descriptor["size"].as_u64(), Some(size));
        path
    };
    let read =
        |path: PathBuf| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let outer = read(layout.path().join("index.json"));
    let index = read(blob(&outer["manifests"][0]));
    let manifests = index["manifests"].as_array().unwrap();
    assert_eq!(manifests.len(), MACHINES.len());
    let of_this = |manifest: &&Value| manifest["platform"]["architecture"] == architecture;
    let manifest = read(blob(manifests.iter().find(of_this).unwrap()));
    let config = read(blob(&manifest["config"]));
    assert_eq!(config["architecture"], architecture);
    assert_eq!(config["config"]["Labels"], manifest["annotations"]);
    assert_eq!(config["config"]["Labels"], index["annotations"]);
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    let layer = blob(&manifest["layers"][0]);
    let sums = config["rootfs"]["diff_ids"].as_array().unwrap();
    assert_eq!(*sums, [manifest["layers"][0]["digest"].clone()]);
    let root = unpack(&layer);
    let path = root.path().to_owned();
    (root, path, config)
}

/// What `cargo tree` lists: names and versions.
fn tree(machine: &str, edges: &str) -> BTreeSet<String> {
    let cargo = &mut Command::new(env!("CARGO"));
    let words = [
        "tree",
        "--locked",
        "--offline",
        "--prefix",
        "none",
        "--edges",
        edges,
    ];
    cargo.args(words).args(["--format", "{p}", "--target"]);
    let said = run(cargo.arg(format!("{machine}-unknown-linux-musl")));
    let crates = said.lines().map(|line| {
        let mut words = line.split(' ');
        let name = words.next().unwrap();
        format!("{name} {}", words.next().unwrap().trim_start_matches('v'))
    });
    crates.collect()
}

/// The crates of which code or data is in the program.
fn linked(machine: &str) -> BTreeSet<String> {
    let roots = tree(machine, "build");
    let roots = roots
        .into_iter()
        .filter(|one| one.starts_with("webpki-roots "));
    let mut linked = tree(machine, "normal,no-proc-macro");
    linked.extend(roots);
    linked
}

#[test]
fn the_release_is_complete() {
    let version = version();
    let mut expected: BTreeSet<String> = [
        "SHA256SUMS".to_owned(),
        format!("oz-{version}.oci.tar"),
        format!("oz-{version}-source.tar.gz"),
    ]
    .into();
    for (machine, _, debian) in MACHINES {
        let name = archive_name(machine);
        expected.extend([
            format!("{name}.tar.gz"),
            format!("{name}.cdx.json"),
            format!("oz-secret_{version}_{debian}.deb"),
        ]);
        let (_directory, path) = archive(machine);
        let mut content: BTreeSet<String> =
            SHARE.iter().map(|file| format!("share/{file}")).collect();
        let names = [
            "CHANGELOG.md",
            "LICENSE",
            "README.md",
            "THIRD-PARTY-LICENSES",
            "oz",
        ];
        content.extend(names.map(str::to_owned));
        assert_eq!(files(&path), content);
    }
    let mut found = files(&dist());
    // There with SIGNING_KEY.
    found.remove("SHA256SUMS.sig");
    assert_eq!(found, expected);
    let check = ["--quiet", "--strict", "--check", "SHA256SUMS"];
    let output = Command::new("sha256sum")
        .args(check)
        .current_dir(dist())
        .output();
    assert!(output.unwrap().status.success());
}

#[test]
fn archive_package_and_image_hold_the_same_program() {
    for (machine, oci, debian) in MACHINES {
        let (_archive, directory) = archive(machine);
        let (_image, root, _) = image(oci);
        let content = ["licenses/LICENSE", "licenses/THIRD-PARTY-LICENSES", "oz"];
        assert_eq!(files(&root), content.map(str::to_owned).into());
        let unpacked = tempfile::tempdir().unwrap();
        run(Command::new("dpkg-deb")
            .arg("-x")
            .arg(package(debian))
            .arg(unpacked.path()));
        let program = fs::read(directory.join("oz")).unwrap();
        assert!(program == fs::read(root.join("oz")).unwrap(), "{machine}");
        assert!(
            program == fs::read(unpacked.path().join("usr/bin/oz")).unwrap(),
            "{machine}"
        );
        assert!(
            machine != "x86_64" || program.len() as u64 <= MAX_SIZE,
            "{}",
            program.len()
        );
        let built = format!("target/{machine}-unknown-linux-musl/release/oz");
        let built = fs::read(crate::root().join(built)).unwrap();
        // What the processor sees is what was built: only tables of sections follow, and their place in the first bytes.
        let start = built.len() - 4096;
        assert!(program[64..start] == built[64..start], "{machine}");
    }
}

#[test]
fn every_program_names_its_crates() {
    for (machine, oci, _) in MACHINES {
        let (_archive, directory) = archive(machine);
        let (_image, root, _) = image(oci);
        for path in [directory.join("oz"), root.join("oz")] {
            let json = auditable_info::json_from_file(&path, Default::default()).unwrap();
            let list: VersionInfo = json.parse().unwrap();
            let all = list.packages.iter();
            let names = |linked_only: bool| -> BTreeSet<String> {
                all.clone()
                    .filter(|one| !linked_only || one.kind == DependencyKind::Runtime)
                    .map(|one| format!("{} {}", one.name, one.version))
                    .collect()
            };
            assert_eq!(names(false), tree(machine, "normal,build"));
            assert_eq!(names(true), linked(machine));
            let program = all.clone().find(|one| one.root).unwrap();
            assert_eq!(program.name, "oz");
            let lexopt = all.clone().position(|one| one.name == "lexopt").unwrap();
            assert!(program.dependencies.contains(&lexopt));
        }
    }
}

#[test]
fn the_bill_of_materials_is_valid_and_complete() {
    for (machine, _, _) in MACHINES {
        let bytes = fs::read(dist().join(archive_name(machine) + ".cdx.json")).unwrap();
        let bom = Bom::parse_from_json(&bytes[..]).unwrap();
        let valid = bom.validate();
        assert!(valid.passed(), "{valid:?}");
        let document: Value = serde_json::from_slice(&bytes).unwrap();
        let (_archive, directory) = archive(machine);
        let program = &document["metadata"]["component"];
        assert_eq!(program["name"], "oz");
        assert_eq!(
            program["hashes"][0]["content"],
            digest(&directory.join("oz"))
        );
        let text = |component: &Value, key: &str| component[key].as_str().unwrap().to_owned();
        let mut listed = BTreeSet::from([format!("oz {}", version())]);
        let mut toolchain = BTreeSet::new();
        for component in document["components"].as_array().unwrap() {
            let name = format!("{} {}", text(component, "name"), text(component, "version"));
            match component["hashes"][0]["content"].as_str() {
                Some(hash) => {
                    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
                    assert!(lock.contains(hash), "{name}");
                    listed.insert(name);
                }
                None => drop(toolchain.insert(text(component, "name"))),
            }
        }
        assert_eq!(listed, tree(machine, "normal,build"));
        assert_eq!(
            toolchain,
            BTreeSet::from(["musl".to_owned(), "rust-std".to_owned()])
        );
    }
}

#[test]
fn the_licences_of_all_that_is_linked_are_there() {
    for (machine, _, _) in MACHINES {
        let (_archive, directory) = archive(machine);
        let text = fs::read_to_string(directory.join("THIRD-PARTY-LICENSES")).unwrap();
        let rule = "=".repeat(78);
        // Before the first rule, and then in turns names and a text.
        let parts: Vec<&str> = text.split(&format!("{rule}\n")).collect();
        let mut named = BTreeSet::new();
        for pair in parts[1..].chunks(2) {
            // One crate has a file that only names its two licences, beside their texts.
            if pair[1].trim().len() < 200 {
                continue;
            }
            named.extend(
                pair[0]
                    .lines()
                    .map(|line| line.split(" (").next().unwrap().to_owned()),
            );
        }
        let mut expected = linked(machine);
        expected.remove(&format!("oz {}", version()));
        let others = [
            "musl",
            "The standard library of Rust",
            "Unicode data in the standard library, unicode-width and oz",
        ];
        expected.extend(others.map(str::to_owned));
        assert_eq!(named, expected);
        for notice in [
            "Rich Felker",
            "Copyright (C) 2011 by Valentin Ochs",
            "The Rust Project Contributors",
            "hashbrown: Copyright (c) 2016 Amanieu d'Antras",
            "Brian Smith",
            "Community Data License",
            "UNICODE LICENSE V3",
        ] {
            assert!(text.contains(notice), "{notice}");
        }
    }
}

#[test]
fn the_image_runs_on_a_read_only_root() {
    let this = MACHINES
        .iter()
        .find(|names| names.0 == std::env::consts::ARCH);
    let (_image, root, config) = image(this.unwrap().1);
    assert_eq!(config["config"]["User"], "65532:65532");
    let entry = config["config"]["Entrypoint"][0].as_str().unwrap();
    let is_root = run(Command::new("id").arg("-u")) == "0\n";
    // The image's user; without being root, there is only one user in the namespace.
    let (map, user) = match is_root {
        true => ("--mount", "65532:65532"),
        false => ("--map-root-user", "0:0"),
    };
    let script = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" && exec chroot --userspec=\"$2\" \"$1\" \"$3\" --version";
    let unshare = &mut Command::new("unshare");
    unshare
        .args([map, "--mount", "sh", "-c", script, "sh"])
        .arg(&root);
    let said = run(unshare
        .args([user, entry])
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"));
    assert_eq!(said, format!("oz {}\n", version()));
}

#[test]
fn skopeo_reads_the_images() {
    let path = dist().join(format!("oz-{}.oci.tar", version()));
    for (_, architecture, _) in MACHINES {
        let skopeo = &mut Command::new("skopeo");
        skopeo.args(["--override-arch", architecture, "inspect", "--config"]);
        let said = run(skopeo.arg(format!("oci-archive:{}", path.display())));
        let config: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(config["architecture"], architecture);
        // What `docker load` looks for.
        let reference = format!(
            "docker-archive:{}:oz:{}-{architecture}",
            path.display(),
            version()
        );
        let said = run(Command::new("skopeo").args(["inspect", "--config", &reference]));
        let config: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(config["architecture"], architecture);
        let labels = &config["config"]["Labels"];
        assert_eq!(labels["org.opencontainers.image.version"], version());
        let licences = labels["org.opencontainers.image.licenses"].as_str();
        let mut terms: Vec<&str> = licences.unwrap().split(" AND ").collect();
        terms.retain(|term| !term.starts_with('('));
        let sole = [
            "Apache-2.0",
            "BSD-3-Clause",
            "CDLA-Permissive-2.0",
            "ISC",
            "MIT",
            "Unicode-3.0",
        ];
        assert_eq!(terms, sole);
    }
}

#[test]
fn the_debian_packages_are_installed_and_removed() {
    for (machine, _, debian) in MACHINES {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        fs::create_dir_all(path.join("var/lib/dpkg/updates")).unwrap();
        for file in ["status", "available"] {
            fs::write(path.join("var/lib/dpkg").join(file), "").unwrap();
        }
        let dpkg = || {
            let mut dpkg = Command::new("dpkg");
            dpkg.args([
                "--force-architecture",
                "--force-not-root",
                "--force-script-chrootless",
            ]);
            dpkg.arg(format!("--root={}", path.display()));
            dpkg.arg(format!("--log={}/log", path.display()));
            dpkg
        };
        run(dpkg().arg("--install").arg(package(debian)));
        let installed = files(&path.join("usr"));
        let mut expected: BTreeSet<String> = SHARE
            .iter()
            .map(|file| file.replace("site-functions", "vendor-completions"))
            .map(|file| match file.starts_with("man/") {
                true => format!("share/{file}.gz"),
                false => format!("share/{file}"),
            })
            .collect();
        let documents = [
            "CHANGELOG.md",
            "README.md",
            "THIRD-PARTY-LICENSES.gz",
            "changelog.gz",
            "copyright",
        ];
        expected.extend(documents.map(|name| format!("share/doc/oz-secret/{name}")));
        expected.extend(["bin/oz", "share/lintian/overrides/oz-secret"].map(str::to_owned));
        assert_eq!(installed, expected);
        if machine == std::env::consts::ARCH {
            let said = run(Command::new(path.join("usr/bin/oz")).arg("--version"));
            assert_eq!(said, format!("oz {}\n", version()));
        }
        let pages = path.join("usr/share/man");
        let man = &mut Command::new("man");
        man.arg("-M")
            .arg(&pages)
            .arg("oz-secret-import")
            .env("MANPAGER", "cat")
            .env("LC_ALL", "C");
        assert!(run(man).contains("oz secret import [OPTIONS] FILE"));
        run(dpkg().args(["--purge", "oz-secret"]));
        assert!(!path.join("usr").exists());
    }
}

/// Skipped where lintian is not installed.
#[test]
fn lintian_finds_no_error() {
    if Command::new("lintian").arg("--version").output().is_err() {
        let required = std::env::var_os("OZ_REQUIRE_TOOLS").is_some_and(|value| value == "1");
        assert!(
            !required,
            "needs lintian, and OZ_REQUIRE_TOOLS=1 forbids to skip"
        );
        println!("skipped: needs lintian");
        return;
    }
    for (_, _, debian) in MACHINES {
        let lintian = &mut Command::new("lintian");
        // The address is for the publisher to set.
        lintian.args([
            "--fail-on",
            "error",
            "--suppress-tags",
            "bogus-mail-host,bogus-mail-host-in-debian-changelog",
        ]);
        run(lintian.arg(package(debian)));
    }
}

#[test]
fn a_file_that_differs_from_the_rebuilt_one_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let compare_to = |other: &str| {
        let script = root().join("tests/dist/compare.sh");
        let output = Command::new("sh")
            .arg(script)
            .args(["release", other])
            .current_dir(directory.path())
            .output();
        let output = output.unwrap();
        (
            String::from_utf8(output.stdout).unwrap(),
            output.status.code(),
        )
    };
    for name in [
        "release/a.tar.gz",
        "built/a.tar.gz",
        "release/SHA256SUMS",
        "release/oz-1-source.tar.gz",
    ] {
        write(name, "same");
    }
    let same = ("same: a.tar.gz\n".to_owned(), Some(0));
    assert_eq!(compare_to("built"), same);
    assert_eq!(compare_to("missing"), (String::new(), Some(2)));
    write("built/a.tar.gz", "other");
    write("built/b.deb", "");
    write("release/c.deb", "");
    let said = "DIFFERENT: a.tar.gz\nNOT IN THE RELEASE: b.deb\nNOT BUILT: c.deb\n";
    assert_eq!(compare_to("built"), (said.to_owned(), Some(1)));
}
