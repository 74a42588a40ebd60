# Switches the virtual machine off at once; what was saved of its memory is gone too.
param([string] $Id, [string] $Name, [string] $Directory)

$machine = Find-Machine -Id $Id -Name $Name -Directory $Directory
if ($machine) {
    switch ("$($machine.State)") {
        'Off' { }
        'Saved' { Hyper-V\Remove-VMSavedState -VM $machine }
        default { Hyper-V\Stop-VM -VM $machine -TurnOff -Force }
    }
}
