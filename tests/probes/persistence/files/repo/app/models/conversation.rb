class Conversation
  def initialize(id) = @path = Rails.root.join("storage/conversations", "#{id}.json")

  def save(turns) = @path.write(turns[-20..].to_json)
end
