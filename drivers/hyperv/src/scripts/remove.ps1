# Takes the virtual machine away. Its disk and image are files of ours and stay.
param([string] $Id, [string] $Name, [string] $Directory)

$machine = Find-Machine -Id $Id -Name $Name -Directory $Directory
if ($machine) {
    if ('Off', 'Saved' -notcontains "$($machine.State)") {
        Hyper-V\Stop-VM -VM $machine -TurnOff -Force
    }
    Hyper-V\Remove-VM -VM $machine -Force
}
