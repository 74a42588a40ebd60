# Gives the virtual machine its shape and its media. Run again it changes nothing.
param(
    [string] $Id,
    [int] $Processors,
    [long] $MemoryMB,
    [bool] $DynamicMemory,
    [bool] $Nested,
    [string] $MacAddress,
    [int] $Vlan,
    [string] $Disk,
    [string] $Image,
    [string] $Notes
)

$machine = Get-Machine -Id $Id
if ("$($machine.State)" -ne 'Off') {
    # It was started, hence configured before.
    return
}
# A checkpoint would keep an old state of the disk, and Windows 10 makes one at each start.
Hyper-V\Set-VM -VM $machine -CheckpointType Disabled -AutomaticStopAction ShutDown -Notes $Notes
if ($DynamicMemory) {
    # What was asked for is the most; an idle guest gives back what it does not need.
    Hyper-V\Set-VMMemory -VM $machine -DynamicMemoryEnabled $true -MinimumBytes 512mb -StartupBytes ($MemoryMB * 1mb) -MaximumBytes ($MemoryMB * 1mb)
}
else {
    Hyper-V\Set-VMMemory -VM $machine -DynamicMemoryEnabled $false -StartupBytes ($MemoryMB * 1mb)
}
Hyper-V\Set-VMProcessor -VM $machine -Count $Processors -ExposeVirtualizationExtensions $Nested

$adapter = Hyper-V\Get-VMNetworkAdapter -VM $machine | Select-Object -First 1
if ($MacAddress) {
    Hyper-V\Set-VMNetworkAdapter -VMNetworkAdapter $adapter -StaticMacAddress $MacAddress
}
if ($Nested) {
    # The machines inside have addresses of their own.
    Hyper-V\Set-VMNetworkAdapter -VMNetworkAdapter $adapter -MacAddressSpoofing On
}
if ($Vlan -gt 0) {
    Hyper-V\Set-VMNetworkAdapterVlan -VMNetworkAdapter $adapter -Access -VlanId $Vlan
}

$drive = Hyper-V\Get-VMDvdDrive -VM $machine | Select-Object -First 1
if ($drive) {
    Hyper-V\Set-VMDvdDrive -VMDvdDrive $drive -Path $Image
}
else {
    Hyper-V\Add-VMDvdDrive -VM $machine -Path $Image
    $drive = Hyper-V\Get-VMDvdDrive -VM $machine | Select-Object -First 1
}
if (-not (Hyper-V\Get-VMHardDiskDrive -VM $machine | Where-Object { $_.Path -eq $Disk })) {
    Hyper-V\Add-VMHardDiskDrive -VM $machine -Path $Disk
}
if ($machine.Generation -eq 2) {
    # Secure Boot knows no key of Debian's boot loader as it lies in the image.
    Hyper-V\Set-VMFirmware -VM $machine -EnableSecureBoot Off -FirstBootDevice $drive
}
