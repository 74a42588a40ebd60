# Writes the memory of the virtual machine to the disk and switches it off.
param([string] $Id, [string] $Name, [string] $Directory)

$machine = Get-Machine -Id $Id -Name $Name -Directory $Directory
if ("$($machine.State)" -ne 'Saved') {
    Hyper-V\Save-VM -VM $machine
}
