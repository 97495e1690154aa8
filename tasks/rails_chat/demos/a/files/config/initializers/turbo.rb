# Turbo itself is vendored JavaScript (see config/importmap.rb), so its MIME type is registered here.
Mime::Type.register "text/vnd.turbo-stream.html", :turbo_stream
