# State and addresses of the virtual machines with these ids or names, in one look at all of them.
param([string[]] $Ids, [string[]] $Names)

$machines = @(Hyper-V\Get-VM | Where-Object { $Ids -contains "$($_.Id)" -or $Names -contains $_.Name })
$adapters = @()
if ($machines | Where-Object { "$($_.State)" -eq 'Running' }) {
    $adapters = @(Hyper-V\Get-VMNetworkAdapter -VM $machines)
}
# A guest without the integration service that tells its addresses is known to its neighbours.
$neighbours = @()
if ($adapters | Where-Object { -not @($_.IPAddresses).Count }) {
    $neighbours = @(Get-NetNeighbor -AddressFamily IPv4 -ErrorAction SilentlyContinue |
        Where-Object { 'Unreachable', 'Incomplete' -notcontains "$($_.State)" })
}
# A list of one must stay a list, hence the object around it.
@{
    machines = @($machines | ForEach-Object {
        $machine = $_
        $own = @($adapters | Where-Object { $_.VMId -eq $machine.Id })
        @{
            id = "$($machine.Id)"
            name = $machine.Name
            state = "$($machine.State)"
            told = @($own | ForEach-Object { $_.IPAddresses })
            seen = @($own | ForEach-Object {
                $mac = $_.MacAddress -replace '(..)(?!$)', '$1-'
                $neighbours | Where-Object { $_.LinkLayerAddress -eq $mac } | ForEach-Object { $_.IPAddress }
            })
        }
    })
}
