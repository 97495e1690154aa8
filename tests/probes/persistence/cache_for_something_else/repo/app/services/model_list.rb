class ModelList
  def all = Rails.cache.fetch("names", expires_in: 1.hour) { load_all }
end
