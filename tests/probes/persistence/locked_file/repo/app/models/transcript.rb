class Transcript
  ROOT = Rails.root.join("storage/transcripts")

  def self.open(id) = new(ROOT.join("#{id}.json"))

  def initialize(path)
    @path = path
  end

  def <<(entry)
    @path.open(File::RDWR | File::CREAT, 0o600) do |file|
      file.flock(File::LOCK_EX)
      entries = file.size.zero? ? [] : JSON.parse(file.read)
      file.rewind
      file.write((entries + [entry]).last(30).to_json)
      file.truncate(file.pos)
    end
  end
end
