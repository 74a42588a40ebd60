# Makes the virtual machine, or finds the one that an interrupted run of this has made: it has the
# name and lies in the directory. Answers its id. Nothing but this happens before that is recorded.
param([string] $Name, [string] $Directory, [string] $SwitchName, [int] $Generation, [long] $MemoryMB)

$machine = Find-Machine -Name $Name -Directory $Directory
if (-not $machine) {
    $machine = Hyper-V\New-VM -Name $Name -Path $Directory -SwitchName $SwitchName -Generation $Generation -MemoryStartupBytes ($MemoryMB * 1mb) -NoVHD
}
@{ id = "$($machine.Id)" }
