"""Volumes without disks, for the real Cinder of scripts/openstack-lab."""

from cinder.volume import driver


class Disks(driver.VolumeDriver):
    VERSION = "1"

    def do_setup(self, context):
        pass

    def check_for_setup_error(self):
        pass

    def get_volume_stats(self, refresh=False):
        return {
            "volume_backend_name": "fake",
            "vendor_name": "lab",
            "driver_version": self.VERSION,
            "storage_protocol": "iscsi",
            "pools": [
                {
                    "pool_name": "fake",
                    "total_capacity_gb": 1000,
                    "free_capacity_gb": 1000,
                    "reserved_percentage": 0,
                }
            ],
        }

    def create_volume(self, volume):
        pass

    def delete_volume(self, volume):
        pass

    def clone_image(self, context, volume, image_location, image_meta, image_service):
        return {}, True

    def ensure_export(self, context, volume):
        pass

    def create_export(self, context, volume, connector):
        pass

    def remove_export(self, context, volume):
        pass

    def initialize_connection(self, volume, connector):
        return {"driver_volume_type": "iscsi", "data": {"access_mode": "rw"}}

    def terminate_connection(self, volume, connector, **kwargs):
        pass
