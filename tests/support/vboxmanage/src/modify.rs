use crate::answer::{Answer, INVALID, locked, no_machine, unknown_option};
use crate::host::Host;
use crate::vm::Vm;

/// The options that are known, with the number of an interface left out, and how many values each has.
const OPTIONS: &[(&str, usize)] = &[
    ("firmware", 1),
    ("bioslogofadein", 1),
    ("bioslogofadeout", 1),
    ("bioslogodisplaytime", 1),
    ("biosbootmenu", 1),
    ("ostype", 1),
    ("cpus", 1),
    ("memory", 1),
    ("acpi", 1),
    ("ioapic", 1),
    ("rtcuseutc", 1),
    ("natdnshostresolver", 1),
    ("natdnsproxy", 1),
    ("cpuhotplug", 1),
    ("pae", 1),
    ("hpet", 1),
    ("hwvirtex", 1),
    ("nestedpaging", 1),
    ("largepages", 1),
    ("vtxvpid", 1),
    ("accelerate3d", 1),
    ("boot", 1),
    ("nic", 1),
    ("nictype", 1),
    ("cableconnected", 1),
    ("nicpromisc", 1),
    ("hostonlyadapter", 1),
    ("macaddress", 1),
    ("intnet", 1),
    ("natlocalhostreachable", 1),
    ("uart", 2),
    ("uartmode", 2),
];

/// All of it, or nothing.
pub(crate) fn modify(host: &mut Host, id: &str, words: &[&str]) -> Answer {
    let Some(vm) = host.vm(id) else { return no_machine(id) };
    if vm.is_on() {
        return locked(&vm.name);
    }
    let mut changed = vm.clone();
    let mut warnings = String::new();
    let mut words = words.iter().copied().peekable();
    while let Some(word) = words.next() {
        let Some(option) = word.strip_prefix("--") else { return unknown_option(word) };
        if option == "natpf1" {
            let rule = words.next().unwrap_or_default();
            let answer = match rule {
                "delete" => remove_rule(&mut changed, words.next().unwrap_or_default()),
                rule => add_rule(&mut changed, rule),
            };
            match answer {
                Some(answer) => return answer,
                None => continue,
            }
        }
        let bare = option.trim_end_matches(|c: char| c.is_ascii_digit());
        let bare = if option == "accelerate3d" { option } else { bare };
        if bare == "natlocalhostreachable" && !crate::is_at_least(7, 0) {
            return unknown_option(word);
        }
        let Some((_, values)) = OPTIONS.iter().find(|(name, _)| *name == bare) else {
            return unknown_option(word);
        };
        let values: Vec<&str> = words.by_ref().take(*values).collect();
        if option == "memory" && values[0].parse().is_ok_and(|megabytes: u64| megabytes < 4) {
            let text =
                format!("Invalid RAM size: {} MB (must be in range [4, 2097152] MB)", values[0]);
            let component = "SessionMachine, interface IMachine, callee nsISupports";
            return Answer::fails(1, &text).of(INVALID, component);
        }
        if bare == "hostonlyadapter" && !host.interfaces.iter().any(|it| it.name == values[0]) {
            let name = values[0];
            warnings +=
                &format!("VBoxManage: warning: Interface \"{name}\" doesn't seem to exist\n");
        }
        changed.options.insert(option.to_owned(), values.join(" "));
        if bare == "nic" {
            let mac = format!("macaddress{}", option.trim_start_matches("nic"));
            let random = crate::create::random()[..6].to_uppercase();
            changed.options.entry(mac).or_insert_with(|| format!("080027{random}"));
        }
    }
    *host.vm_mut(id).expect("it was there") = changed;
    Answer { stderr: warnings, ..Answer::default() }
}

fn name(rule: &str) -> &str {
    rule.split(',').next().unwrap_or_default()
}

pub(crate) fn add_rule(vm: &mut Vm, rule: &str) -> Option<Answer> {
    if vm.rules.iter().any(|it| name(it) == name(rule)) {
        let component = "NATEngineWrap, interface INATEngine, callee nsISupports";
        return Some(
            Answer::fails(1, "A NAT rule of this name already exists").of(INVALID, component),
        );
    }
    vm.rules.push(rule.to_owned());
    vm.rules.sort();
    None
}

pub(crate) fn remove_rule(vm: &mut Vm, wanted: &str) -> Option<Answer> {
    let before = vm.rules.len();
    vm.rules.retain(|rule| name(rule) != wanted);
    if vm.rules.len() < before {
        return None;
    }
    let text = format!("Code {INVALID} - Invalid argument value (extended info not available)");
    Some(Answer::fails(1, &text))
}
