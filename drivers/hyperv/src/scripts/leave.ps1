# Takes a network of our own away when no virtual machine is on it any more.
param([string] $SwitchName)

$adapters = Hyper-V\Get-VM | ForEach-Object { $_.NetworkAdapters }
if (-not ($adapters | Where-Object { $_.SwitchName -eq $SwitchName })) {
    Get-NetNat | Where-Object { $_.Name -eq $SwitchName } | Remove-NetNat -Confirm:$false
    Hyper-V\Get-VMSwitch | Where-Object { $_.Name -eq $SwitchName } | Hyper-V\Remove-VMSwitch -Force
}
