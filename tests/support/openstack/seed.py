"""What the cloud of scripts/openstack-lab begins with. `identity`: what the services need of Keystone;
else flavors, images, networks, and a project with a user and an application credential."""

import json
import subprocess
import sys
import time

import openstack

KEYSTONE = "http://127.0.0.1:5000/v3"
CLOUDS = "/opt/lab/clouds.yaml"
SERVICES = [
    ("compute", "nova", "http://127.0.0.1:8774/v2.1"),
    ("network", "neutron", "http://127.0.0.1:9696"),
    ("image", "glance", "http://127.0.0.1:9292"),
    ("placement", "placement", "http://127.0.0.1:8778"),
    ("volumev3", "cinder", "http://127.0.0.1:8776/v3/%(project_id)s"),
]


def entry(user, password, project):
    return {
        "auth": {
            "auth_url": KEYSTONE,
            "username": user,
            "password": password,
            "project_name": project,
            "user_domain_id": "default",
            "project_domain_id": "default",
        },
        "region_name": "RegionOne",
    }


def clouds(more):
    every = {"admin": entry("admin", "admin", "admin"), "lab": entry("lab", "s3cret-pass", "lab")}
    # JSON is YAML too.
    with open(CLOUDS, "w") as file:
        json.dump({"clouds": {**every, **more}}, file, indent=2)


def identity():
    clouds({})
    admin = openstack.connect("admin")
    project = admin.create_project("service", "default")
    user = admin.create_user("service", password="service", domain_id="default", default_project=project.id)
    for role in ["admin", "service"]:
        if admin.get_role(role) is None:
            admin.create_role(role)
        admin.grant_role(role, user=user.id, project=project.id)
    for kind, name, url in SERVICES:
        service = admin.create_service(name, type=kind)
        admin.create_endpoint(
            service, public_url=url, internal_url=url, admin_url=url, region="RegionOne"
        )


def project(admin):
    lab = admin.create_project("lab", "default")
    user = admin.create_user("lab", password="s3cret-pass", domain_id="default", default_project=lab.id)
    if admin.get_role("member") is None:
        admin.create_role("member")
    admin.grant_role("member", user=user.id, project=lab.id)
    own = openstack.connect("lab")
    made = own.identity.create_application_credential(user.id, "lab")
    secret = {"application_credential_id": made.id, "application_credential_secret": made.secret}
    credential = {
        "auth_type": "v3applicationcredential",
        "auth": {"auth_url": KEYSTONE, **secret},
        "region_name": "RegionOne",
    }
    clouds({"credential": credential})
    return own


def agent():
    """A real Neutron binds ports on hosts whose agent it has heard of. Ours is heard of once, and for long."""
    configuration = {"bridge_mappings": {"public": "br-ex"}, "tunnel_types": ["vxlan"], "tunneling_ip": "127.0.0.1"}
    statement = (
        "insert into neutron.agents (id, agent_type, `binary`, topic, host, admin_state_up, created_at, started_at,"
        " heartbeat_timestamp, configurations, `load`) values (uuid(), 'Open vSwitch agent',"
        f" 'neutron-openvswitch-agent', 'N/A', 'lab', 1, now(), now(), '2036-01-01', '{json.dumps(configuration)}', 0)"
    )
    subprocess.run(["mysql", "-e", statement], check=True)


def network(admin, own):
    public = admin.network.create_network(
        name="public",
        is_router_external=True,
        provider_network_type="flat",
        provider_physical_network="public",
    )
    admin.network.create_subnet(
        name="public", network_id=public.id, ip_version=4, cidr="10.97.1.0/24", enable_dhcp=False
    )
    private = own.network.create_network(name="private")
    subnet = own.network.create_subnet(
        name="private", network_id=private.id, ip_version=4, cidr="10.97.2.0/24"
    )
    six = own.network.create_subnet(
        name="private6",
        network_id=private.id,
        ip_version=6,
        cidr="fd98:2::/64",
        ipv6_address_mode="slaac",
        ipv6_ra_mode="slaac",
    )
    router = own.network.create_router(name="lab", external_gateway_info={"network_id": public.id})
    for each in [subnet, six]:
        own.network.add_interface_to_router(router, subnet_id=each.id)
    # Two more: one without a way out, one without security groups.
    alone = own.network.create_network(name="alone")
    own.network.create_subnet(name="alone", network_id=alone.id, ip_version=4, cidr="10.97.3.0/24")
    bare = own.network.create_network(name="bare", is_port_security_enabled=False)
    own.network.create_subnet(name="bare", network_id=bare.id, ip_version=4, cidr="10.97.4.0/24")


def compute(admin):
    for id, name, ram, disk in [("1", "m1.tiny", 512, 1), ("2", "m1.small", 2048, 20)]:
        admin.compute.create_flavor(id=id, flavorid=id, name=name, ram=ram, vcpus=1, disk=disk)
    limit = time.time() + 300
    while not any(it.binary == "nova-compute" and it.state == "up" for it in admin.compute.services()):
        assert time.time() < limit, "nova-compute is not up"
        time.sleep(1)
    subprocess.run(["nova-manage", "cell_v2", "discover_hosts"], check=True)


def images(admin):
    for name, more in [("debian-12", {}), ("debian-13", {}), ("huge", {"min_disk": 500})]:
        admin.image.create_image(
            name=name,
            container_format="bare",
            disk_format="raw",
            visibility="public",
            data=b"not a disk",
            **more,
        )


if sys.argv[1:] == ["identity"]:
    identity()
else:
    admin = openstack.connect("admin")
    own = project(admin)
    agent()
    network(admin, own)
    images(admin)
    compute(admin)
    admin.block_storage.create_type(name="fast")
