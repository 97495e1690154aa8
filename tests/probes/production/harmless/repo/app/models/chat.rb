class Chat
  MODELS = []
  @@count = 0
  def turns = Rails.cache.read("turns")
  def title = @title ||= {}
end
