# Takes the virtual machine away. Its disk and image are files of ours and stay; what its checkpoints
# hold is merged into the disk, which Hyper-V goes on with after this has ended.
param([string] $Id, [string] $Name, [string] $Directory)

$machine = Find-Machine -Id $Id -Name $Name -Directory $Directory
if ($machine) {
    # Also in states such as OffCritical and FastSaved.
    if ("$($machine.State)" -notmatch '^Off|Saved') {
        Hyper-V\Stop-VM -VM $machine -TurnOff -Force
    }
    Hyper-V\Remove-VM -VM $machine -Force
}
