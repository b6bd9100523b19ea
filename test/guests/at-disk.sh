# Further steps of a Linux guest that has a disk; behind those of at-work.sh.
step disk
for module in virtio_mmio virtio_blk crc16 crc32c_generic libcrc32c mbcache jbd2 ext4; do insmod /modules/$module.ko; done
cat /sys/block/vda/size
mount -t ext4 /dev/vda /mnt
ls /mnt
cat /mnt/greeting
seq 1 30000 >/mnt/written
sha256sum /mnt/written
umount /mnt
mount -t ext4 -o ro /dev/vda /mnt
tail -n 1 /mnt/written
umount /mnt
