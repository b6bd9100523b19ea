# Further steps of a Linux guest to which two folders are shared: `share` for reading, `out` for writing too.
step shared folders
for module in virtio_mmio netfs 9pnet 9p 9pnet_virtio; do insmod /modules/$module.ko 2>/dev/null; done
mkdir /tmp/in /tmp/out
mount -t 9p -o trans=virtio,version=9p2000.L share /tmp/in
ls /tmp/in
sha256sum /tmp/in/below/known
cat /tmp/in/link
sha256sum /tmp/in/inside
echo 'of the guest' >/tmp/secret
cat /tmp/in/outside
readlink /tmp/in/outside
echo nothing 2>/dev/null >/tmp/in/new || echo it cannot be written
mount -t 9p -o trans=virtio,version=9p2000.L,msize=131072 out /tmp/out
cp /tmp/in/below/known /tmp/out/copy
mkdir /tmp/out/folder
mv /tmp/out/copy /tmp/out/folder/moved
seq 1 1000 >>/tmp/out/folder/moved
sha256sum /tmp/out/folder/moved
truncate -s 10 /tmp/out/folder/moved
wc -c </tmp/out/folder/moved
chmod 600 /tmp/out/folder/moved
ls -l /tmp/out/folder | cut -c 1-10
rmdir /tmp/out/folder 2>/dev/null || echo it is not empty
umount /tmp/in
umount /tmp/out
