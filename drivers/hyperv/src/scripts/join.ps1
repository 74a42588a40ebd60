# Makes the switch of a network of our own, with this computer as its gateway and address
# translation to the outside. What is there already is left as it is. Answers the name servers of
# this computer: there is none on such a network.
param([string] $SwitchName, [string] $Gateway, [int] $PrefixLength, [string] $Subnet)

if (-not (Hyper-V\Get-VMSwitch | Where-Object { $_.Name -eq $SwitchName })) {
    $null = Hyper-V\New-VMSwitch -Name $SwitchName -SwitchType Internal -Notes 'Made by machine'
}
$interface = Get-NetAdapter -Name "vEthernet ($SwitchName)"
$addresses = Get-NetIPAddress -InterfaceIndex $interface.ifIndex -AddressFamily IPv4 -ErrorAction SilentlyContinue
if (-not ($addresses | Where-Object { $_.IPAddress -eq $Gateway })) {
    $null = New-NetIPAddress -InterfaceIndex $interface.ifIndex -IPAddress $Gateway -PrefixLength $PrefixLength
}
if (-not (Get-NetNat | Where-Object { $_.InternalIPInterfaceAddressPrefix -eq $Subnet })) {
    $null = New-NetNat -Name $SwitchName -InternalIPInterfaceAddressPrefix $Subnet
}

$servers = @(Get-DnsClientServerAddress -AddressFamily IPv4 |
    Where-Object { $_.InterfaceIndex -ne $interface.ifIndex } |
    ForEach-Object { $_.ServerAddresses } | Select-Object -Unique -First 3)
@{ name_servers = $servers }
