# Switches the virtual machine on, or lets it go on from where it was saved or paused.
param([string] $Id, [string] $Name, [string] $Directory)

$machine = Get-Machine -Id $Id -Name $Name -Directory $Directory
switch ("$($machine.State)") {
    'Running' { }
    'Paused' { Hyper-V\Resume-VM -VM $machine }
    default { Hyper-V\Start-VM -VM $machine }
}
@{ id = "$($machine.Id)" }
