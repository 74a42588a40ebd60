# Has the guest shut down, and returns when it is off.
param([string] $Id, [string] $Name, [string] $Directory)

$machine = Get-Machine -Id $Id -Name $Name -Directory $Directory
if ("$($machine.State)" -eq 'Paused') {
    Hyper-V\Resume-VM -VM $machine
}
if ("$($machine.State)" -ne 'Off') {
    Hyper-V\Stop-VM -VM $machine -Force
}
