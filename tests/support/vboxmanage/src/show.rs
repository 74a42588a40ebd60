//! `showvminfo --machinereadable`: the keys of the real one, in its order.

use crate::answer::{Answer, no_machine};
use crate::host::Host;
use crate::vm::Vm;

pub(crate) fn info(host: &Host, id: &str) -> Answer {
    let Some(vm) = host.vm(id) else {
        let mut answer = no_machine(id);
        answer.stderr += "VBoxManage: error: Context: \"FindMachine(Bstr(VMNameOrUuid).raw(), \
                          machine.asOutParam())\" at line 3248 of file VBoxManageInfo.cpp\n";
        return answer;
    };
    if !vm.is_accessible() {
        let answer = Answer::fails(1, "The object functionality is limited");
        return answer.of("E_ACCESSDENIED (0x80070005)", "MachineWrap, interface IMachine");
    }
    Answer::says(machine(vm) + &storage(vm) + &interfaces(vm) + &rest(vm))
}

fn machine(vm: &Vm) -> String {
    let dir = vm.dir.display();
    let Vm { name, uuid, state, .. } = vm;
    let ostype = match vm.option("ostype", "") {
        "Linux26_64" => "Linux 2.6 / 3.x / 4.x / 5.x (64-bit)",
        _ => "Other/Unknown",
    };
    let is_linux = ostype.starts_with("Linux");
    let on = |option, default| vm.option(option, default).to_owned();
    format!(
        "name=\"{name}\"\nencryption=\"disabled\"\ngroups=\"/\"\nplatformArchitecture=\"x86\"\n\
         ostype=\"{ostype}\"\nUUID=\"{uuid}\"\nCfgFile=\"{dir}/{name}.vbox\"\n\
         SnapFldr=\"{dir}/Snapshots\"\nLogFldr=\"{dir}/Logs\"\nhardwareuuid=\"{uuid}\"\nmemory={}\n\
         pagefusion=\"off\"\nvram=8\ncpuexecutioncap=100\ncpu-profile=\"host\"\nchipset=\"piix3\"\n\
         firmware=\"BIOS\"\ncpus={}\nhpet=\"{}\"\npae=\"{}\"\nlongmode=\"on\"\ntriplefaultreset=\"off\"\n\
         apic=\"on\"\nx2apic=\"off\"\nnested-hw-virt=\"off\"\nhwvirtex=\"{}\"\nnestedpaging=\"{}\"\n\
         largepages=\"{}\"\nvtxvpid=\"{}\"\nvtxux=\"on\"\nvirtvmsavevmload=\"on\"\n\
         cpuid-portability-level=0\nbootmenu=\"{}\"\nboot1=\"{}\"\nboot2=\"dvd\"\nboot3=\"disk\"\n\
         boot4=\"none\"\nacpi=\"{}\"\nioapic=\"{}\"\nbiosapic=\"apic\"\nbiossystemtimeoffset=0\n\
         NvramFile=\"{dir}/{name}.nvram\"\nrtcuseutc=\"{}\"\niommu=\"none\"\n\
         paravirtprovider=\"default\"\neffparavirtprovider=\"{}\"\nVMState=\"{state}\"\n\
         VMStateChangeTime=\"2026-11-23T21:19:05.728000000\"\ngraphicscontroller=\"vboxvga\"\n\
         monitorcount=1\naccelerate3d=\"{}\"\nteleporterenabled=\"off\"\nteleporterport=0\n\
         teleporteraddress=\"\"\nteleporterpassword=\"\"\ntracing-enabled=\"off\"\n\
         tracing-allow-vm-access=\"off\"\ntracing-config=\"\"\nautostart-enabled=\"off\"\n\
         autostart-delay=0\ndefaultfrontend=\"\"\nvmprocpriority=\"default\"\n",
        vm.option("memory", "1024"),
        vm.option("cpus", "1"),
        on("hpet", "off"),
        on("pae", "on"),
        on("hwvirtex", "on"),
        on("nestedpaging", "on"),
        on("largepages", "off"),
        on("vtxvpid", "on"),
        on("biosbootmenu", "messageandmenu"),
        on("boot1", "floppy"),
        on("acpi", "on"),
        on("ioapic", "on"),
        on("rtcuseutc", "off"),
        if is_linux { "kvm" } else { "none" },
        on("accelerate3d", "off"),
    )
}

fn storage(vm: &Vm) -> String {
    let Some(name) = &vm.controller else { return String::new() };
    let mut text = format!(
        "storagecontrollername0=\"{name}\"\nstoragecontrollertype0=\"IntelAhci\"\n\
         storagecontrollerinstance0=\"0\"\nstoragecontrollermaxportcount0=\"30\"\n\
         storagecontrollerportcount0=\"30\"\nstoragecontrollerbootable0=\"on\"\n"
    );
    for port in 0..30 {
        let Some((kind, path, uuid)) = vm.media.get(&port) else {
            text += &format!("\"{name}-{port}-0\"=\"none\"\n");
            continue;
        };
        text +=
            &format!("\"{name}-{port}-0\"=\"{path}\"\n\"{name}-ImageUUID-{port}-0\"=\"{uuid}\"\n");
        let keys: &[&str] = match kind.as_str() {
            "dvddrive" => &["tempeject", "IsEjected", "hot-pluggable", "nonrotational", "discard"],
            _ => &["hot-pluggable", "nonrotational", "discard"],
        };
        for key in keys {
            text += &format!("\"{name}-{key}-{port}-0\"=\"off\"\n");
        }
    }
    text
}

fn interfaces(vm: &Vm) -> String {
    let mut text = String::new();
    for number in 1..=8 {
        let kind = vm.option(&format!("nic{number}"), "none");
        let of = |option: &str| vm.option(&format!("{option}{number}"), "").to_owned();
        match kind {
            "none" => {
                text += &format!("nic{number}=\"none\"\n");
                continue;
            }
            "nat" => text += &format!("natnet{number}=\"nat\"\n"),
            "hostonly" => {
                text += &format!("hostonlyadapter{number}=\"{}\"\n", of("hostonlyadapter"));
            }
            "intnet" => text += &format!("intnet{number}=\"{}\"\n", of("intnet")),
            other => text += &format!("{other}{number}=\"\"\n"),
        }
        text += &format!(
            "macaddress{number}=\"{}\"\ncableconnected{number}=\"{}\"\nnic{number}=\"{kind}\"\n\
             nictype{number}=\"{}\"\nnicspeed{number}=\"0\"\n",
            of("macaddress"),
            of("cableconnected"),
            of("nictype")
        );
        if kind == "nat" {
            let reachable = u8::from(vm.option("natlocalhostreachable1", "off") == "on");
            text += &format!(
                "mtu=\"0\"\nsockSnd=\"64\"\nsockRcv=\"64\"\ntcpWndSnd=\"64\"\ntcpWndRcv=\"64\"\n\
                 localhostReachable=\"{reachable}\"\nforwardBroadcast=\"0\"\nenableTFTP=\"0\"\n"
            );
            for (place, rule) in vm.rules.iter().enumerate() {
                text += &format!("Forwarding({place})=\"{rule}\"\n");
            }
        }
    }
    text
}

fn rest(vm: &Vm) -> String {
    let mut text = "hidpointing=\"ps2mouse\"\nhidkeyboard=\"ps2kbd\"\n".to_owned();
    for number in 1..=4 {
        match vm.options.get(&format!("uart{number}")) {
            Some(place) => {
                let mode =
                    vm.option(&format!("uartmode{number}"), "disconnected").replacen(' ', ",", 1);
                let place = place.replacen(' ', ",", 1).replace("0x3F8", "0x03f8");
                text += &format!("uart{number}=\"{place}\"\nuartmode{number}=\"{mode}\"\n");
            }
            None => text += &format!("uart{number}=\"off\"\n"),
        }
    }
    text += "lpt1=\"off\"\nlpt2=\"off\"\naudio=\"default\"\naudio_out=\"off\"\naudio_in=\"off\"\n\
             clipboard=\"disabled\"\nclipboard_file_transfers=\"off\"\ndraganddrop=\"disabled\"\n\
             vrde=\"off\"\nusb=\"off\"\nehci=\"off\"\nxhci=\"off\"\n";
    for (place, (name, path)) in vm.shares.iter().enumerate() {
        let number = place + 1;
        text += &format!(
            "SharedFolderNameMachineMapping{number}=\"{name}\"\n\
             SharedFolderPathMachineMapping{number}=\"{path}\"\n"
        );
    }
    let dir = vm.dir.display();
    let name = &vm.name;
    text + &format!(
        "recording_started=\"off\"\nrecording_enabled=\"off\"\nrecording_screens=1\n rec_screen0\n\
         rec_screen_enabled=\"on\"\nrec_screen_id=0\nrec_screen_video_enabled=\"on\"\n\
         rec_screen_audio_enabled=\"off\"\nrec_screen_dest=\"File\"\n\
         rec_screen_dest_filename=\"{dir}/{name}-screen0.webm\"\nrec_screen_opts=\"ac_profile=med\"\n\
         rec_screen_video_res_xy=\"1024x768\"\nrec_screen_video_rate_kbps=512\n\
         rec_screen_video_fps=25\nGuestMemoryBalloon=0\n"
    )
}
