# Switches the virtual machine off at once; what was saved of its memory is gone too.
param([string] $Id, [string] $Name, [string] $Directory)

$machine = Find-Machine -Id $Id -Name $Name -Directory $Directory
if ($machine) {
    switch -Wildcard ("$($machine.State)") {
        'Off*' { break }
        '*Saved*' {
            Hyper-V\Remove-VMSavedState -VM $machine
            break
        }
        default { Hyper-V\Stop-VM -VM $machine -TurnOff -Force }
    }
}
